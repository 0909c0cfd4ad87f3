"""A raffle without a table."""

from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.board import page_size
from chalicelib.domain.raffles import Raffle, RaffleStatus

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


def a_raffle(**fields: Any) -> Raffle:
    values = {
        "id": "r", "title": "Bicycle", "description": "", "prize": "", "unit_amount": 2500, "currency": "GTQ",
        "first_number": 1, "last_number": 100, "hold_minutes": 15, "max_per_contact": None,
        "payment_instructions": "", "code": "BIKE", "status": RaffleStatus.ACTIVE, "opens_at": None, "closes_at": None,
        "time_zone": "UTC", "created_at": NOW, "updated_at": NOW, **fields,
    }  # fmt: skip
    return Raffle(page_size=page_size(values["last_number"] - values["first_number"] + 1), **values)
