"""Contacts and orders put into the table by hand, with what lists and searches need of them and without a board."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from chalicelib.domain.contacts import Contact
from chalicelib.domain.messages import Identity
from chalicelib.domain.orders import TRANSITIONS, Order, OrderStatus, new_code
from chalicelib.store import contacts, orders
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.transaction import Transaction
from tests.support.world import World

RAFFLE = "raffle1"
# The first that leads there: to PENDING_PAYMENT the buyer's own, from DRAFT.
EVENT_OF = {transition.target: event for event, transition in reversed(TRANSITIONS.items())}


@dataclass
class Shelf:
    world: World
    random: Random = field(default_factory=lambda: Random(3))
    made: int = 0

    @property
    def now(self) -> datetime:
        """A second later each time, so that what was made later is newer."""
        self.made += 1
        return self.world.clock.now + timedelta(seconds=self.made)

    def person(self, name: str = "", phone: str | None = None, **values: object) -> Contact:
        user_id = f"GT.{self.made:06}"
        (contact_id,) = contact_ids_of(Identity(user_id=user_id, phone=None))
        made = Contact(id=contact_id, user_id=user_id, name=name, phone=phone)
        return self.save(replace(made, **values))  # type: ignore[arg-type] # whatever a contact has

    def save(self, contact: Contact) -> Contact:
        transaction = Transaction()
        contacts.save(transaction, contact, now=self.now)
        transaction.commit()
        return self.read(contact)

    def read(self, contact: Contact) -> Contact:
        found = contacts.get(contact.id)
        assert found is not None
        return found

    def order(self, contact: Contact, status: OrderStatus = OrderStatus.DRAFT, raffle_id: str = RAFFLE) -> Order:
        now = self.now
        made = Order(
            id=new_code(self.random), raffle_id=raffle_id, contact_id=contact.id, numbers=(5,), unit_amount=100,
            currency="GTQ", status=status, reserved_until=None, created_at=now, updated_at=now,
        )  # fmt: skip
        transaction = Transaction()
        orders.add(transaction, made)
        contacts.save(transaction, self.read(contact).with_order(made.id), now=now)
        transaction.commit()
        return made

    def move(self, order: Order, status: OrderStatus) -> Order:
        moved = replace(order, status=status, updated_at=self.now)
        transaction = Transaction()
        orders.move(transaction, moved, EVENT_OF[status])
        transaction.commit()
        return moved
