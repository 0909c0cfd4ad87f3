"""Check whether lists and searches find every contact, and repair the index entries of those that they don't."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.contacts import MAX_NEWEST_ORDERS, Contact
from chalicelib.services.maintenance.scan import STEP, OnProgress, ignore_progress
from chalicelib.store import contacts, orders
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry


@dataclass
class IndexCheckResult:
    """How many contacts there are, how many of them had missing or wrong index entries, and how many were repaired."""

    contacts: int = 0
    unfiled: int = 0
    repaired: int = 0

    @property
    def left(self) -> int:
        return self.unfiled - self.repaired


@dataclass(frozen=True, kw_only=True)
class ContactIndexCheck:
    clock: Callable[[], datetime]

    def check(self, *, repair: bool = False, progress: OnProgress = ignore_progress) -> IndexCheckResult:
        """Check every contact. With `repair`, write the index entries of those that have missing or wrong ones.

        This reads the whole table: a contact that is in no list can't be found otherwise. Raises TryAgain.
        """
        result = IndexCheckResult()
        for contact, is_indexed in contacts.scan():
            result.contacts += 1
            if not is_indexed:
                result.unfiled += 1
                if repair:
                    self._index(contact.id)
                    result.repaired += 1
            if result.contacts % STEP == 0:
                progress("contacts", result.contacts, None)
        return result

    def _index(self, contact_id: str) -> None:
        def attempt() -> None:
            contact = contacts.get(contact_id)
            if contact is not None:
                transaction = Transaction()
                contacts.save(transaction, _with_orders(contact), now=self.clock())
                transaction.commit()

        retry(attempt, again_on=(Busy, ConditionsFailed))


def _with_orders(contact: Contact) -> Contact:
    """Add the ids of the contact's newest orders. Keep those already there: the index may not have them yet."""
    if not contact.has_older_orders or len(contact.newest_orders) == MAX_NEWEST_ORDERS:
        return contact
    listed = (order.id for order in orders.of_contact(contact.id, limit=MAX_NEWEST_ORDERS + 1))
    ids = tuple(dict.fromkeys((*contact.newest_orders, *listed)))
    return replace(contact, newest_orders=ids[:MAX_NEWEST_ORDERS], has_older_orders=len(ids) > MAX_NEWEST_ORDERS)
