"""Two managers change how buyers pay, while orders wait for payment (O10): one proposes, another sends the same."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.delivery import Outbound
from chalicelib.domain.organisers import COMMAND_LINE, Actor, same_name
from chalicelib.domain.raffles import PaymentChange, Raffle, RaffleStatus
from chalicelib.domain.refusals import PaymentChangeNotFound, RaffleOutOfTurn, TokenTooNew
from chalicelib.services.raffles import Raffles
from chalicelib.store import audit, payment_changes, raffles, tokens
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import logger, pseudonym

# Who has stolen a manager's token could make a second one, and be two managers at once.
MIN_TOKEN_AGE = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class PaymentChanges:
    """The use cases. `by` is the organiser who acts."""

    raffles: Raffles
    clock: Callable[[], datetime]

    def get(self, raffle_id: str) -> PaymentChange:
        """Return the proposal for a raffle. Raises RaffleNotFound, PaymentChangeNotFound."""
        change = self._proposal(raffles.get(raffle_id))
        if change is None:
            raise PaymentChangeNotFound(raffle_id)
        return change

    def agree(self, raffle_id: str, payment_instructions: str, *, by: Actor) -> PaymentChange:
        """Propose payment instructions, or confirm them if another manager has proposed the same.

        All organisers are told of either. Repeating it has no further effect. Raises RaffleNotFound, RaffleOutOfTurn,
        TokenTooNew, SecondManagerNeeded, TryAgain.
        """
        self._check_age(by)
        raffle = raffles.get(raffle_id)
        if raffle.status in (RaffleStatus.DRAWN, RaffleStatus.CANCELLED):
            raise RaffleOutOfTurn("changed", raffle.status, changed=raffle.last_change)
        known = self._proposal(raffle)
        if known is not None and known.payment_instructions == payment_instructions:
            return self._confirm(known, by) if _is_another(known, by) else known
        change = PaymentChange(
            raffle_id=raffle_id,
            payment_instructions=payment_instructions,
            replaces=raffle.payment_instructions,
            proposed_by=by.name,
            token_id=by.token_id or "",
            proposed_at=self.clock(),
        )
        if payment_instructions == raffle.payment_instructions:  # confirmed before, or never different
            return replace(change, confirmed_by=by.name)
        self._propose(raffle, change, by)
        return change

    def _confirm(self, change: PaymentChange, by: Actor) -> PaymentChange:
        values = {"payment_instructions": change.payment_instructions}
        self.raffles.change(change.raffle_id, lambda _: values, by=by, confirms=change)
        return replace(change, confirmed_by=by.name)

    def _propose(self, raffle: Raffle, change: PaymentChange, by: Actor) -> None:
        def attempt() -> list[Outbound]:
            if payment_changes.get(raffle.id) == change:  # stored by an earlier attempt that got no answer
                return []
            transaction = Transaction()
            payment_changes.put(transaction, change)
            audit.record(
                transaction,
                action="raffle.payment_change_proposed",
                target=f"raffle:{raffle.id}",
                by=by,
                at=change.proposed_at,
                before={"payment_instructions": change.replaces},
                after={"payment_instructions": change.payment_instructions},
            )
            messages = self.raffles.tell_organisers(transaction, raffle, change)
            transaction.commit()
            return messages

        self.raffles.outbox.send(retry(attempt, again_on=(Busy, ConditionsFailed)))
        logger.info("payment change proposed", extra={"raffle_id": raffle.id, "by": pseudonym(by.name)})

    def _proposal(self, raffle: Raffle) -> PaymentChange | None:
        """Return the proposal for a raffle.

        None if it is over, if the instructions have changed since, or if the token that proposed it was revoked.
        """
        change = payment_changes.get(raffle.id)
        now = self.clock()
        if change is None or now >= change.valid_until or change.replaces != raffle.payment_instructions:
            return None
        is_revoked = bool(change.token_id) and not tokens.get(change.token_id)[0].is_valid(now)
        return None if is_revoked else change

    def _check_age(self, by: Actor) -> None:
        """Refuse a token that was made through the API within the last day. Raises TokenTooNew."""
        if by.token_id is None:
            return
        token, _ = tokens.get(by.token_id)
        if token.created_by != COMMAND_LINE.name and self.clock() < token.created_at + MIN_TOKEN_AGE:
            raise TokenTooNew


def _is_another(change: PaymentChange, by: Actor) -> bool:
    return by.token_id != change.token_id and same_name(by.name) != same_name(change.proposed_by)
