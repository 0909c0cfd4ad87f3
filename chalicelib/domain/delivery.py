"""How far an outbound message is: forwards only, whatever order the news comes in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class DeliveryState(StrEnum):
    PENDING = "PENDING"  # to be sent
    UNKNOWN = "UNKNOWN"  # may have been sent: WhatsApp did not say
    ACCEPTED = "ACCEPTED"  # WhatsApp took it
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    FAILED = "FAILED"  # for good
    WITHHELD = "WITHHELD"  # not sent: the person has opted out. Organisers see it


_FORWARDS = [state for state in DeliveryState if state not in (DeliveryState.FAILED, DeliveryState.WITHHELD)]

# The states from which each state may be entered. A failure that comes late counts, unless the person has the message.
BEFORE: dict[DeliveryState, tuple[DeliveryState, ...]] = {
    **{state: tuple(_FORWARDS[:index]) for index, state in enumerate(_FORWARDS)},
    DeliveryState.FAILED: tuple(_FORWARDS[: _FORWARDS.index(DeliveryState.DELIVERED)]),
    DeliveryState.WITHHELD: (DeliveryState.PENDING,),
}


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """A message to a contact. `body` is in WhatsApp's form; `id` is unique within the contact and sorts by time."""

    contact_id: str
    id: str
    body: dict[str, Any]
    created_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    in_reply_to: str | None = None
    due_at: datetime | None = None

    @property
    def tag(self) -> str:
        """What WhatsApp hands back with every status of this message, so that we find it again."""
        return f"{self.contact_id}/{self.id}"
