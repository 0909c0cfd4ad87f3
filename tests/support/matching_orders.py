"""Orders that the lines of a bank statement are matched with."""

from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.orders import Order, OrderStatus

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
CODE = "8WGRRPW3"


def order(code: str = CODE, **fields: Any) -> Order:
    values: dict[str, Any] = {
        "id": code, "raffle_id": "r", "contact_id": "c", "numbers": (5, 12), "unit_amount": 2500, "currency": "GTQ",
        "status": OrderStatus.PENDING_PAYMENT, "reserved_until": None, "created_at": NOW, "updated_at": NOW, **fields,
    }  # fmt: skip
    return Order(**values)
