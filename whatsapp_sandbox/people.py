"""Whose phones lie on the table: a few buyers, the organisers, and whoever else was written to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from whatsapp_sandbox.limits import Recipient
from whatsapp_sandbox.webhooks import Person

Role = Literal["buyer", "organiser", "stranger"]


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person with the short id that the page uses. A stranger was written to without being one of ours."""

    id: str
    person: Person
    role: Role = "buyer"

    @property
    def owner(self) -> str:
        """What a wamid embeds: the number, or the BSUID of somebody without one."""
        return self.person.wa_id or self.person.user_id or self.id

    def answers_to(self, name: str) -> bool:
        """Is this the contact with that id, phone (with or without plus) or BSUID?"""
        return name in {self.id, self.person.phone, self.person.wa_id, self.person.user_id}


BUYERS = (
    Contact(id="lucia", person=Person(name="Lucía Pérez", phone="+50255501234", user_id="GT.7700112233445566")),
    Contact(id="marco", person=Person(name="Marco Díaz", phone="+50241239876")),
    # Ana shares no phone number: she is known by her BSUID alone.
    Contact(id="ana", person=Person(name="Ana Morales", user_id="GT.8800223344556677", username="@ana.morales")),
)


def everybody(organisers: Iterable[str]) -> tuple[Contact, ...]:
    """The phone's own contacts."""
    numbers = [number for number in organisers if not any(buyer.answers_to(number) for buyer in BUYERS)]
    return BUYERS + tuple(
        Contact(
            id="organiser" if place == 1 else f"organiser{place}",
            person=Person(name="Organiser" if place == 1 else f"Organiser {place}", phone=number),
            role="organiser",
        )
        for place, number in enumerate(numbers, start=1)
    )


def stranger(recipient: Recipient) -> Contact:
    """Somebody whom we do not know."""
    written = recipient.written
    return Contact(
        id=written.removeprefix("+"),
        person=Person(name=written, phone=recipient.phone, user_id=recipient.user_id),
        role="stranger",
    )
