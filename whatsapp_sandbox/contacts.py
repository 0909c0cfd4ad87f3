"""The people whose phones the page shows: some buyers, the organisers, and anyone else who was sent a message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from whatsapp_sandbox.message_rules import Recipient
from whatsapp_sandbox.webhooks import Person

Role = Literal["buyer", "organiser", "stranger"]


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person with the short id that the page uses. A stranger is somebody else whom the application wrote to."""

    id: str
    person: Person
    role: Role = "buyer"

    @property
    def owner(self) -> str:
        """The part of a wamid that identifies the person: the phone number, or the BSUID if there is none."""
        return self.person.wa_id or self.person.user_id or self.id

    def matches(self, name: str) -> bool:
        """Return whether `name` is the id, the phone number (with or without plus) or the BSUID of this contact."""
        return name in {self.id, self.person.phone, self.person.wa_id, self.person.user_id}


BUYERS = (
    Contact(id="lucia", person=Person(name="Lucía Pérez", phone="+50255501234", user_id="GT.7700112233445566")),
    Contact(id="marco", person=Person(name="Marco Díaz", phone="+50241239876")),
    # Ana hides her phone number, so she has only a BSUID.
    Contact(id="ana", person=Person(name="Ana Morales", user_id="GT.8800223344556677", username="@ana.morales")),
)


def own_contacts(organisers: Iterable[str]) -> tuple[Contact, ...]:
    """Return the buyers and organisers, without strangers."""
    numbers = [number for number in organisers if not any(buyer.matches(number) for buyer in BUYERS)]
    return BUYERS + tuple(
        Contact(
            id="organiser" if position == 1 else f"organiser{position}",
            person=Person(name="Organiser" if position == 1 else f"Organiser {position}", phone=number),
            role="organiser",
        )
        for position, number in enumerate(numbers, start=1)
    )


def stranger(recipient: Recipient) -> Contact:
    """Return the contact for somebody who is not in the list."""
    address = recipient.address
    return Contact(
        id=address.removeprefix("+"),
        person=Person(name=address, phone=recipient.phone, user_id=recipient.user_id),
        role="stranger",
    )
