"""Proposed changes of how buyers pay, in the table: one for each raffle at most."""

from chalicelib.domain.raffles import PaymentChange
from chalicelib.store.records import PaymentChangeRecord
from chalicelib.store.transaction import Transaction

STORED = ("payment_instructions", "replaces", "proposed_by", "token_id", "proposed_at")
PROPOSAL = "proposal"  # the name of the condition on a proposal


def get(raffle_id: str) -> PaymentChange | None:
    """Return the proposal for a raffle, also one that is over. One request."""
    try:
        record = PaymentChangeRecord.get(*_key(raffle_id), consistent_read=True)
    except PaymentChangeRecord.DoesNotExist:
        return None
    return PaymentChange(raffle_id=raffle_id, **{name: getattr(record, name) for name in STORED})


def put(transaction: Transaction, change: PaymentChange) -> None:
    """Store a proposal in place of an earlier one."""
    values = {name: getattr(change, name) for name in STORED}
    transaction.put(PaymentChangeRecord(*_key(change.raffle_id), **values, vanishes_at=change.valid_until))


def delete(transaction: Transaction, change: PaymentChange) -> None:
    """Delete a proposal. Committing raises ConditionsFailed if there is another one by now, or none."""
    is_same = PaymentChangeRecord.proposed_at == change.proposed_at
    is_same &= PaymentChangeRecord.payment_instructions == change.payment_instructions
    transaction.delete(PaymentChangeRecord(*_key(change.raffle_id)), name=PROPOSAL, only_if=is_same)


def _key(raffle_id: str) -> tuple[str, str]:
    return f"PAYMENT_CHANGE#{raffle_id}", "PAYMENT_CHANGE"
