"""Proposals of how buyers pay, where one takes the place of another (O10)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.raffles import PaymentChange
from chalicelib.store import payment_changes
from chalicelib.store.transaction import ConditionsFailed, Transaction
from tests.support.world import World


def put(change: PaymentChange) -> None:
    transaction = Transaction()
    payment_changes.put(transaction, change)
    transaction.commit()


@pytest.mark.parametrize(
    "other", [{"payment_instructions": "Bank Z"}, {"later": timedelta(microseconds=1)}], ids=["words", "time"]
)
def test_o10_only_the_proposal_that_was_read_is_confirmed(world: World, other: dict[str, Any]) -> None:
    read = PaymentChange(
        raffle_id="raffle", payment_instructions="Bank Y", replaces="Bank X", proposed_by="Pia", token_id="1",
        proposed_at=world.clock.now,
    )  # fmt: skip
    put(read)
    confirming = Transaction()
    payment_changes.delete(confirming, read)
    proposed_at = read.proposed_at + other.pop("later", timedelta(0))
    newer = replace(read, proposed_at=proposed_at, **other)
    put(newer)
    with pytest.raises(ConditionsFailed):
        confirming.commit()
    assert payment_changes.get("raffle") == newer
