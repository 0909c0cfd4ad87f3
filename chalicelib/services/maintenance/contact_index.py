"""Whether contacts are where lists and searches look for them, and bringing those there that were stored before."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.contacts import MAX_NEWEST_ORDERS, Contact
from chalicelib.store import contacts, orders
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry

Progress = Callable[[str, int, int | None], None]
STEP = 200  # contacts between two calls of it


def _silently(what: str, done: int, total: int | None) -> None: ...


@dataclass
class IndexCheckResult:
    """How many contacts there are, how many of them were not filed as they should be, and of these how many are now."""

    contacts: int = 0
    unfiled: int = 0
    repaired: int = 0

    @property
    def left(self) -> int:
        return self.unfiled - self.repaired


@dataclass(frozen=True, kw_only=True)
class ContactIndexCheck:
    clock: Callable[[], datetime]

    def check(self, *, repair: bool = False, progress: Progress = _silently) -> IndexCheckResult:
        """Look at each contact, and with `repair` file those anew that are not found as they should be.

        This reads the whole table, since nothing else leads to a contact who is in no list. Raises TryAgain.
        """
        found = IndexCheckResult()
        for contact, is_filed in contacts.scan():
            found.contacts += 1
            if not is_filed:
                found.unfiled += 1
                if repair:
                    self._file(contact.id)
                    found.repaired += 1
            if found.contacts % STEP == 0:
                progress("contacts", found.contacts, None)
        return found

    def _file(self, contact_id: str) -> None:
        def attempt() -> None:
            contact = contacts.get(contact_id)
            if contact is not None:
                transaction = Transaction()
                contacts.save(transaction, _with_orders(contact), now=self.clock())
                transaction.commit()

        retry(attempt, again_on=(Busy, ConditionsFailed))


def _with_orders(contact: Contact) -> Contact:
    """The contact with the ids of their newest orders. Those that they have already may be too new for the index."""
    if not contact.has_older_orders or len(contact.newest_orders) == MAX_NEWEST_ORDERS:
        return contact
    listed = (order.id for order in orders.of_contact(contact.id, limit=MAX_NEWEST_ORDERS + 1))
    ids = tuple(dict.fromkeys((*contact.newest_orders, *listed)))
    return replace(contact, newest_orders=ids[:MAX_NEWEST_ORDERS], has_older_orders=len(ids) > MAX_NEWEST_ORDERS)
