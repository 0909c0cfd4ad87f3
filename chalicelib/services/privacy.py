"""What a person may ask of those who hold data about them: all of it, and to be forgotten."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Conversation
from chalicelib.domain.orders import OWNING, Order, OrderStatus
from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import ContactErased, ContactHasOrders, ContactNotFound
from chalicelib.services.contacts import note
from chalicelib.services.orders.proofs import Proofs
from chalicelib.store import contacts, dead_letters, fingerprints, history, orders
from chalicelib.store.dead_letters import DeadLetter
from chalicelib.store.records import FingerprintRecord
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger, pseudonym

# An order that is LATE has been paid, and nobody has settled it yet.
UNSETTLED = OWNING - {OrderStatus.PAID} | {OrderStatus.LATE}
ERASING_TIME = timedelta(seconds=18)  # of the 29 that a request has; the rest is for the next request


class Held(NamedTuple):
    """What is held about a person beside what was said."""

    contact: Contact
    orders: list[Order]
    fingerprints: list[FingerprintRecord]
    dead_letters: list[DeadLetter]


class Erasure(NamedTuple):
    """How far it is. What is not `finished` goes on when it is asked for again."""

    contact: Contact
    finished: bool


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """Access to what is held about a person, and its erasure."""

    proofs: Proofs
    random_id: Callable[[], str]  # of a contact
    clock: Callable[[], datetime]

    def held(self, contact_id: str, *, everything: bool = True, by: Actor) -> Held:
        """What there is about the person but for what was said: about two requests for each proof. It is noted who saw
        it. Without `everything` it is the contact alone, and nothing is noted: who goes on reading saw the rest before.

        Raises ContactNotFound, ContactErased.
        """
        contact = contacts.get(contact_id)
        if contact is None:
            raise ContactNotFound(contact_id)
        if contact.erased_at is not None:
            raise ContactErased(contact_id)
        if not everything:
            return Held(contact, [], [], [])
        retry(lambda: self._note_export(contact.id, by), again_on=(Busy, ConditionsFailed))
        found = orders.all_of_contact(contact.id)
        files = [proof for order in found for proof in order.proofs]
        return Held(
            contact,
            found,
            fingerprints.noted(files, contact.id),
            dead_letters.naming(_names(contact)),
        )

    def erase(self, contact_id: str, *, by: Actor) -> Erasure:
        """Take away all that names the person, or goes on with it. Orders stay, under an id that names nobody.

        The mark comes first: from then on nothing is told to them or kept of them here, and if they write again, they
        are somebody new. What leads to the rest goes last. Raises ContactNotFound, ContactHasOrders, TryAgain.
        """
        contact = retry(lambda: self._marked(contact_id, by=by), again_on=(Busy, ConditionsFailed))
        begun = self.clock()
        for _ in self._steps(contact):
            if self.clock() - begun > ERASING_TIME:
                return Erasure(contact, finished=False)
        contact = retry(lambda: self._nameless(contact.id), again_on=(Busy, ConditionsFailed))
        count("ContactsErased")
        return Erasure(contact, finished=True)

    def _marked(self, contact_id: str, *, by: Actor) -> Contact:
        contact = contacts.get(contact_id)
        if contact is None:
            raise ContactNotFound(contact_id)
        if contact.erased_at is not None:
            return contact
        found = orders.all_of_contact(contact.id)
        if unsettled := [order.id for order in found if order.status in UNSETTLED]:
            raise ContactHasOrders(unsettled)
        owned = sum(order.quantity for order in found if order.status in OWNING)
        if owned < sum(contact.held.values()):  # the index does not show the newest order yet
            raise Busy("an order of the contact is not listed yet")
        now = self.clock()
        # What is asked for must not be taken up any more; their names are needed until all that holds them is found.
        marked = replace(
            contact, erased_at=now, successor_id=self.random_id(), conversation=Conversation(), waits_for=None
        )
        transaction = Transaction()
        contacts.save(transaction, marked, now=now)
        note(transaction, "contact.erased", contact.id, by, now, {}, {})
        transaction.commit()
        logger.info("erasing a contact", extra={"contact_id": contact.id, "by": pseudonym(by.name)})
        return replace(marked, version=contact.version + 1)

    def _note_export(self, contact_id: str, by: Actor) -> None:
        transaction = Transaction()
        note(transaction, "contact.exported", contact_id, by, self.clock(), {}, {})
        transaction.commit()

    def _steps(self, contact: Contact) -> Iterator[None]:
        for order in orders.all_of_contact(contact.id):
            if order.proofs:
                self._forget_proofs(order)
                yield
        for contact_id in (contact.id, *contact.also):
            while history.take_away(contact_id):
                yield
        retry(lambda: self._forget_letters(contact), again_on=(Busy, ConditionsFailed))

    def _forget_letters(self, contact: Contact) -> None:
        for letter in dead_letters.naming(_names(contact)):
            transaction = Transaction()
            dead_letters.delete(transaction, letter)
            transaction.commit()

    def _forget_proofs(self, order: Order) -> None:
        for record in fingerprints.noted(order.proofs, order.contact_id):
            fingerprints.forget(record)
        for proof in order.proofs:
            self.proofs.erase(proof)
        orders.forget_proofs(order)

    def _nameless(self, contact_id: str) -> Contact:
        """The last step: the names, and what leads from them to the contact."""
        contact = contacts.get(contact_id)
        assert contact is not None
        assert contact.erased_at is not None
        nameless = contact.erased(contact.erased_at)
        if nameless == contact:
            return contact
        transaction = Transaction()
        contacts.save(transaction, nameless, now=contact.erased_at)
        contacts.forget_names(transaction, contact)
        transaction.commit()
        return replace(nameless, indexed_terms=nameless.index_terms, version=contact.version + 1)


def _names(contact: Contact) -> list[str]:
    return [name for name in (contact.user_id, contact.phone) if name]
