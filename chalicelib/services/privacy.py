"""Data protection: give a person's data to those who may see it, and erase it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Conversation
from chalicelib.domain.orders import OWNING, Order, OrderStatus
from chalicelib.domain.organisers import Actor
from chalicelib.domain.phone_spellings import spellings_of
from chalicelib.domain.refusals import ContactErased, ContactHasOrders, ContactNotFound
from chalicelib.services.orders.proofs import Proofs
from chalicelib.store import audit, contacts, dead_letters, fingerprints, history, orders
from chalicelib.store.dead_letters import DeadLetter
from chalicelib.store.fingerprints import Fingerprint
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger, pseudonym

# An order that is LATE has been paid, but not settled yet.
UNSETTLED = OWNING - {OrderStatus.PAID} | {OrderStatus.LATE}
ERASING_TIME = timedelta(seconds=18)  # of the 29 that a request has; the next request continues


class PersonalData(NamedTuple):
    """What is stored about a person, except their messages."""

    contact: Contact
    orders: list[Order]
    fingerprints: list[Fingerprint]
    dead_letters: list[DeadLetter]


class ErasurePreview(NamedTuple):
    """What an erasure would do. While an order is `unsettled`, it is refused.

    Attributes:
        orders: how many stay, under an id that names nobody.
        files: how many proofs go.
    """

    contact: Contact
    unsettled: list[str]
    orders: int
    files: int


class Erasure(NamedTuple):
    """The state of an erasure. If it is not `finished`, another request continues it."""

    contact: Contact
    finished: bool


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """The use cases of data protection. `by` is the organiser who acts."""

    proofs: Proofs
    random_id: Callable[[], str]  # returns a new contact id
    clock: Callable[[], datetime]

    def collect(self, contact_id: str, *, everything: bool = True, by: Actor) -> PersonalData:
        """Collect what is stored about a person, except their messages. About two requests per proof.

        The audit log records who asked for it. Without `everything`, return the contact alone: somebody reads further
        messages. Raises ContactNotFound, ContactErased, TryAgain.
        """
        contact = contacts.get(contact_id)
        if contact is None:
            raise ContactNotFound(contact_id)
        if contact.erased_at is not None:
            raise ContactErased(contact_id)
        # For further messages, too: whoever has the address of a next page need not be who asked for the first one.
        retry(lambda: self._record_export(contact.id, by), again_on=(Busy, ConditionsFailed))
        if not everything:
            return PersonalData(contact, [], [], [])
        contact_orders = orders.all_of_contact(contact.id)
        proofs = [proof for order in contact_orders for proof in order.proofs]
        return PersonalData(
            contact,
            contact_orders,
            fingerprints.noted(proofs, contact.id),
            dead_letters.mentioning(_names(contact)),
        )

    def preview_erasure(self, contact_id: str) -> ErasurePreview:
        """Return what an erasure would do. Nothing is changed. Two requests, and one for each hundred orders.

        Raises ContactNotFound.
        """
        contact = contacts.get(contact_id)
        if contact is None:
            raise ContactNotFound(contact_id)
        contact_orders = orders.all_of_contact(contact.id)
        return ErasurePreview(
            contact,
            unsettled=_unsettled(contact_orders),
            orders=len(contact_orders),
            files=sum(len(order.proofs) for order in contact_orders),
        )

    def erase(self, contact_id: str, *, by: Actor) -> Erasure:
        """Erase all that identifies a person, or continue doing so. Their orders remain under an id that names nobody.

        The contact is marked as erased first. From then on they get no messages, and nothing is stored under this
        contact. If they write again, they are a new contact. The names by which the rest is found are erased last.
        Raises ContactNotFound, ContactHasOrders, TryAgain.
        """
        contact = retry(lambda: self._mark_erased(contact_id, by=by), again_on=(Busy, ConditionsFailed))
        begun = self.clock()
        for _ in self._erase_in_steps(contact):
            if self.clock() - begun > ERASING_TIME:
                return Erasure(contact, finished=False)
        contact = retry(lambda: self._remove_names(contact.id), again_on=(Busy, ConditionsFailed))
        count("ContactsErased")
        return Erasure(contact, finished=True)

    def _mark_erased(self, contact_id: str, *, by: Actor) -> Contact:
        contact = contacts.get(contact_id)
        if contact is None:
            raise ContactNotFound(contact_id)
        if contact.erased_at is not None:
            return contact
        contact_orders = orders.all_of_contact(contact.id)
        if unsettled := _unsettled(contact_orders):
            raise ContactHasOrders(unsettled)
        owned = sum(order.quantity for order in contact_orders if order.status in OWNING)
        if owned < sum(contact.held.values()):  # the index does not have their newest order yet
            raise Busy("an order of the contact is not listed yet")
        now = self.clock()
        # The conversation ends here. The names remain until everything that contains them is found.
        marked = replace(
            contact, erased_at=now, successor_id=self.random_id(), conversation=Conversation(), waits_for=None
        )
        transaction = Transaction()
        contacts.save(transaction, marked, now=now)
        target = contacts.audit_target(contact.id)
        audit.record(transaction, action="contact.erased", target=target, by=by, at=now, before={}, after={})
        transaction.commit()
        logger.info("erasing a contact", extra={"contact_id": contact.id, "by": pseudonym(by.name)})
        return replace(marked, version=contact.version + 1)

    def _record_export(self, contact_id: str, by: Actor) -> None:
        transaction = Transaction()
        target = contacts.audit_target(contact_id)
        audit.record(transaction, action="contact.exported", target=target, by=by, at=self.clock(), before={}, after={})
        transaction.commit()

    def _erase_in_steps(self, contact: Contact) -> Iterator[None]:
        for order in orders.all_of_contact(contact.id):
            if order.proofs:
                self._erase_proofs(order)
                yield
        for contact_id in (contact.id, *contact.also):
            self.proofs.erase_of(contact_id)  # also files that no order names
            yield
            while history.take_away(contact_id):
                yield
        retry(lambda: self._erase_letters(contact), again_on=(Busy, ConditionsFailed))

    def _erase_letters(self, contact: Contact) -> None:
        for letter in dead_letters.mentioning(_names(contact)):
            transaction = Transaction()
            dead_letters.delete(transaction, letter)
            transaction.commit()

    def _erase_proofs(self, order: Order) -> None:
        for fingerprint in fingerprints.noted(order.proofs, order.contact_id):
            fingerprints.forget(fingerprint)
        for proof in order.proofs:
            self.proofs.erase(proof)
        orders.forget_proofs(order)

    def _remove_names(self, contact_id: str) -> Contact:
        """Remove the contact's names, and the aliases that lead from them to the contact."""
        contact = contacts.get(contact_id)
        assert contact is not None
        assert contact.erased_at is not None
        nameless = contact.as_erased(contact.erased_at)
        if nameless == contact:
            return contact
        transaction = Transaction()
        contacts.save(transaction, nameless, now=contact.erased_at)
        contacts.remove_aliases(transaction, contact)
        for other in contacts.get_all(contact.same_person).values():  # whose item says that they are the same person
            remaining = tuple(id_ for id_ in other.same_person if id_ != contact.id)
            contacts.save(transaction, replace(other, same_person=remaining), now=contact.erased_at)
        transaction.commit()
        return replace(nameless, indexed_terms=nameless.index_terms, version=contact.version + 1)


def _unsettled(contact_orders: Iterable[Order]) -> list[str]:
    """Return the ids of the orders that keep their buyer from being erased."""
    return [order.id for order in contact_orders if order.status in UNSETTLED]


def _names(contact: Contact) -> list[str]:
    spellings = spellings_of(contact.phone) if contact.phone else ()
    return [name for name in (contact.user_id, *spellings) if name]
