"""Carry out what organisers choose in the chat below a notice of a proof (O11): approve, reject, open."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import Contact
from chalicelib.domain.decisions import Act, Choosing, Decision, seen_of
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.messages import Identity, Reply
from chalicelib.domain.orders import Order, OrderEvent, OrderStatus
from chalicelib.domain.organisers import Actor, actor_in_chat, find_organiser
from chalicelib.domain.refusals import OrderNotFound, OrderOutOfTurn, ProofNotFound, ProofNotSeen
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.services.messaging.texts import Texts, texts_for
from chalicelib.services.orders.changes import OrderChange, OrderChanges
from chalicelib.services.orders.proofs import Proofs
from chalicelib.services.orders.settlement import confirm, reject
from chalicelib.store import audit, decisions, messages, orders
from chalicelib.store.order_context import audit_target, load_context, load_contexts
from chalicelib.store.transaction import ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger

SHOWN_AT_ONCE = 3  # proofs that wait, each a message that costs
# The actions in the audit log that end a review.
ENDS = frozenset(
    (
        "order.paid",
        "order.rejected",
        "order.cancelled",
        "order.refunded",
        "order.reassigned",
        "order.review_ended",
    )
)
SENDING_TIME = timedelta(seconds=8)  # of several proofs with their pictures; the schedule sends the rest


class _CarriedOut(Exception):
    """Another delivery of the same decision was faster."""


@dataclass(kw_only=True)
class _Run:
    """One delivery of a decision.

    Attributes:
        contact: the organiser who chose.
    """

    decision: Decision
    contact: Contact
    channel: Channel
    actor: Actor
    outbox: Outbox

    @property
    def choosing(self) -> Choosing:
        return self.decision.choosing

    @property
    def texts(self) -> Texts:
        return texts_for(self.contact)

    def answer(
        self, transaction: Transaction, replies: Sequence[Reply], now: datetime, *, buyer_ids: Iterable[str]
    ) -> list[Outbound]:
        """Answer the organiser as part of a transaction, which takes effect once for each decision.

        Args:
            buyer_ids: the contacts whom the replies name, one for each; empty if they name nobody.
        """
        messages.record_decision(transaction, self.decision.inbound_id, now)
        told = self.outbox.enqueue(
            transaction,
            self.contact,
            replies,
            channel=self.channel,
            now=now,
            late_reply_to=self.decision.inbound_id,
        )
        for buyer_id, message in zip(buyer_ids, told, strict=False):
            messages.record_told(transaction, buyer_id, message.tag)
        return told


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Carries out the decisions of organisers, each once, and replies to the organiser."""

    changes: OrderChanges
    outbox: Outbox
    proofs: Proofs
    organisers: Sequence[Identity]
    clock: Callable[[], datetime]

    def carry_out(self, decision: Decision) -> None:
        """Carry out a decision and tell the organiser what became of it. Raises TryAgain.

        Nothing happens if it was carried out before, or if who made it is no organiser (any more).
        """
        context = retry(lambda: decisions.load(decision.contact_id, decision.inbound_id))
        if context is None:
            logger.info("a decision is carried out already")
            return
        organiser = find_organiser(context.contact.phone, self.organisers)
        if organiser is None:
            logger.warning("a decision of somebody who is no organiser", extra={"contact_id": decision.contact_id})
            return
        run = _Run(
            decision=decision,
            contact=context.contact,
            channel=context.channel,
            actor=actor_in_chat(organiser),
            outbox=self.outbox,
        )
        try:
            self._carry_out(run)
        except _CarriedOut:
            logger.info("a decision is carried out already")

    def _carry_out(self, run: _Run) -> None:
        try:
            if run.choosing.act is Act.APPROVE:
                self._change(run, self._approve, action="order.paid", metric="PaymentsConfirmed")
            elif run.choosing.act is Act.REJECT:
                self._change(run, self._reject, action="order.rejected", metric="ProofsRejected")
            elif run.choosing.act is Act.OPEN:
                self._open(run)
            elif run.choosing.order_id:
                self._show_order(run)
            else:
                self._show_waiting(run)
        except OrderNotFound:
            self._say(run, [run.texts.no_such_order(run.choosing.order_id)])
        except ProofNotSeen:
            self._show_newest(run)
        except (OrderOutOfTurn, ProofNotFound):
            self._tell_who_was_first(run)
        else:
            count("DecisionsCarriedOut")

    def _change(self, run: _Run, change: Callable[[_Run, OrderChange], Reply], *, action: str, metric: str) -> None:
        def changed(unit: OrderChange) -> None:
            _check(unit.order, run.choosing)
            reply = change(run, unit)
            unit.more_messages = run.answer(unit.transaction, [reply], unit.now, buyer_ids=[unit.order.contact_id])

        def failed(_: OrderChange, failure: Exception) -> None:
            if isinstance(failure, ConditionsFailed) and failure.named(messages.DECIDED):
                raise _CarriedOut

        self.changes.run(run.choosing.order_id, changed, by=run.actor, action=action, metric=metric, on_failure=failed)

    def _approve(self, run: _Run, unit: OrderChange) -> Reply:
        confirm(unit, only_from=unit.order.status, same_proofs=True)
        return run.texts.proof_approved(unit.raffle, unit.order, unit.contact.name)

    def _reject(self, run: _Run, unit: OrderChange) -> Reply:
        unit.order.after(OrderEvent.PROOF_REJECTED)
        chosen = run.choosing.reason
        reason = run.choosing.words if chosen is None else texts_for(unit.contact).reject_reason(chosen)
        reject(unit, reason, same_proofs=True)
        return run.texts.proof_was_rejected(unit.raffle, unit.order, unit.contact.name)

    def _open(self, run: _Run) -> None:
        """Show the order, with links to the files that wait for a look. The audit log records who got them."""
        order, links = self.proofs.open(run.choosing.order_id, by=run.actor)
        context = load_context(order)
        newest, *earlier = links
        now = self.clock()
        replies = [
            run.texts.proof_opened(
                context.raffle, order, context.contact, url=newest.url, until=newest.url_expires_at, now=now
            )
        ]
        to_judge = order.files_to_judge
        replies += [
            run.texts.file_opened(
                context.raffle, order, to_judge.index(link.proof) + 1, url=link.url, until=link.url_expires_at, now=now
            )
            for link in earlier
            if link.proof in to_judge
        ]
        self._say(run, replies, buyer_ids=[order.contact_id] * len(replies))

    def _show_order(self, run: _Run) -> None:
        """Show the newest proof of the order that was named. Raises OrderOutOfTurn if it waits for no decision."""
        order = orders.get(run.choosing.order_id)
        _check_waits(order)
        context = load_context(order)
        reply = run.texts.proof_received(context.raffle, order, context.contact.name)
        self._say(run, [reply], buyer_ids=[order.contact_id])

    def _show_waiting(self, run: _Run) -> None:
        """Show the proofs that have waited longest for a decision."""
        listed = orders.in_status(OrderStatus.IN_REVIEW, limit=SHOWN_AT_ONCE + 1)
        waiting = [order for _, order in orders.reload(listed) if order.status is OrderStatus.IN_REVIEW]
        contexts = load_contexts(waiting) if waiting else {}
        shown = [order for order in waiting if order.id in contexts][:SHOWN_AT_ONCE]
        replies = [
            run.texts.proof_received(contexts[order.id].raffle, order, contexts[order.id].contact.name)
            for order in shown
        ]
        if len(listed) > SHOWN_AT_ONCE and replies:
            replies[-1] = run.texts.with_more_waiting(replies[-1])
        if not replies and run.choosing.act is Act.SHOW:
            replies.append(run.texts.none_waiting())
        self._say(run, replies, buyer_ids=[order.contact_id for order in shown])

    def _show_newest(self, run: _Run) -> None:
        """Show the newest proof instead: it came after the one that the organiser has seen."""
        order = orders.get(run.choosing.order_id)
        context = load_context(order)
        reply = run.texts.newer_proof(context.raffle, order, context.contact.name)
        self._say(run, [reply], buyer_ids=[order.contact_id])

    def _tell_who_was_first(self, run: _Run) -> None:
        """Say that the order waits for no decision any more, who made it, and when."""
        order = orders.get(run.choosing.order_id)
        raffle = load_context(order).raffle
        entry = audit.newest_of(audit_target(order), ENDS)
        self._say(run, [run.texts.not_in_review(raffle, order, entry, by=run.actor.name, now=self.clock())])

    def _say(self, run: _Run, replies: Sequence[Reply], *, buyer_ids: Iterable[str] = ()) -> None:
        """Answer without changing an order."""

        def attempt() -> list[Outbound]:
            transaction = Transaction()
            told = run.answer(transaction, replies, self.clock(), buyer_ids=buyer_ids)
            transaction.commit()
            return told

        try:
            told = retry(attempt)
        except ConditionsFailed:
            raise _CarriedOut from None
        self.outbox.send(told, within=SENDING_TIME)


def _check(order: Order, choosing: Choosing) -> None:
    """Raise OrderOutOfTurn if no proof of the order waits for a decision, ProofNotSeen if a newer one does."""
    _check_waits(order)
    if not order.proofs or seen_of(order) != choosing.seen:
        raise ProofNotSeen(order.id)


def _check_waits(order: Order) -> None:
    """Raise OrderOutOfTurn if no proof of the order waits for a decision."""
    if order.status is not OrderStatus.IN_REVIEW and not order.has_unjudged_proof:
        raise OrderOutOfTurn(order.id, "decided about", order.status)
