"""One try at answering one message: what it changes, what it replies, and what earlier tries have learned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Concatenate, ParamSpec

from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Conversation
from chalicelib.domain.decisions import Choosing
from chalicelib.domain.messages import IncomingMessage, Media, MessageKind, Reply
from chalicelib.domain.orders import Order, OrderStatus, Proof
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.reply_limits import MAX_PICTURES
from chalicelib.services.messaging.texts import Notice, Texts, texts_for
from chalicelib.services.orders.changes import OrderChange
from chalicelib.services.orders.conflicts import Conflicts
from chalicelib.services.orders.holds import Holds
from chalicelib.store.order_context import OrderContext
from chalicelib.store.transaction import Transaction

IDLE = Conversation()
P = ParamSpec("P")


@dataclass(kw_only=True)
class Turn:
    """One try at answering one message. All that it changes is one transaction (M3).

    Attributes:
        written_at: when they wrote the message, which may have come late.
        message: what they wrote, tapped or sent.
        contact: who wrote, as they are to be saved.
        raffle_of_code: code → id of the raffle, for the codes that are in the message.
        conflicts: what earlier tries at the same message have learned.
        keep_proof: fetches and stores a file of a contact, named by id; a second try gets the same proof again.
        notices: what the organisers are told.
        is_unclear: the bot can make nothing of the message (M8).
        is_decision: an organiser chose something, whose answer takes none of their replies (O11).
        chosen: what it is, to be handed over after the commit; None if it is asked back or refused.
        metrics: counted once this is committed.
        named_orders: orders that were read by their id, so that none is read twice. They need not be the contact's.
        latest_orders: the contact's newest orders, once they were read, so that they are not read twice.
        becomes_late: an order has become LATE.
        file: a file that belongs to no order, which is kept with the message.
        quote_decides: the message quotes one of ours, which says what it is about (M7).
        quote_is_unknown: the message quotes one that is not found.
        is_organiser: an organiser writes.
        noticed: what can be done about the order of the notice that an organiser quotes (O11).
        quoted: the conversation about what it quotes.
        left_by_quote: the conversation before the quote, which comes back after this message.
    """

    now: datetime
    written_at: datetime
    message: IncomingMessage
    contact: Contact
    raffle_of_code: Mapping[str, str]
    conflicts: Conflicts
    holds: Holds
    keep_proof: Callable[[Media, str], Proof]
    transaction: Transaction = field(default_factory=Transaction)
    replies: list[Reply] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    is_unclear: bool = False
    is_decision: bool = False
    chosen: Choosing | None = None
    metrics: list[str] = field(default_factory=list)
    named_orders: dict[str, tuple[Raffle, Order]] = field(default_factory=dict)
    latest_orders: Sequence[Order] | None = None
    becomes_late: bool = False
    file: Proof | None = None
    quote_decides: bool = False
    quote_is_unknown: bool = False
    is_organiser: bool = False
    noticed: tuple[Choosing, ...] = ()
    quoted: Conversation | None = None
    left_by_quote: Conversation | None = None

    @property
    def text(self) -> str:
        """The text that they typed, the caption of a file, or the title of the button or row that they tapped."""
        return self.message.text

    @property
    def texts(self) -> Texts:
        return texts_for(self.contact)

    def reply(self, reply: Reply, conversation: Conversation | None = None) -> None:
        """Add a reply. If `conversation` is given, the conversation continues from there."""
        self.replies.append(reply)
        if conversation is not None:
            self.contact = replace(self.contact, conversation=conversation)

    def may_draw(self, count: int) -> bool:
        """Return whether the contact may get so many pictures more today (M8), which then count."""
        limits = self.contact.reply_limits.with_pictures(count)
        if limits.pictures > MAX_PICTURES:
            return False
        self.contact = replace(self.contact, reply_limits=limits)
        return True

    def notify_organisers(
        self, text: Callable[Concatenate[Texts, P], Reply], *arguments: P.args, **named: P.kwargs
    ) -> None:
        """Tell the organisers something, each in their language: `notify_organisers(Texts.person_wanted, …)`."""
        self.notices.append(lambda texts: text(texts, *arguments, **named))

    def open_raffle(self, raffle: Raffle) -> None:
        """Know that the contact looks at a raffle: whose language we don't know otherwise reads its language (M9)."""
        if raffle.language is not None:
            self.contact = replace(self.contact, raffle_language=raffle.language)

    def is_older_than(self, moment: datetime | None) -> bool:
        """Return whether they wrote before `moment`, so that their words are not about what began then (M7).

        A tap and a quote are about what they point to. Nobody knows what a quote is about that is not found.
        WhatsApp tells whole seconds.
        """
        if self.message.kind is MessageKind.CHOICE or self.quote_decides:
            return False
        return self.quote_is_unknown or (moment is not None and self.written_at < moment.replace(microsecond=0))

    @contextmanager
    def changing(self, raffle: Raffle, order: Order) -> Iterator[OrderChange]:
        """Change an order of the contact as part of this turn. The turn also saves what this changes in the contact.

        Reply with `Turn.reply`: the replies of the OrderChange are not sent.
        """
        context = OrderContext(raffle, self.contact)
        unit = OrderChange(order, now=self.now, transaction=self.transaction, context=context)
        yield unit
        self.contact = unit.contact
        self.becomes_late |= unit.is_made and unit.order.status is OrderStatus.LATE

    @property
    def at_rest(self) -> Conversation:
        """Return where the conversation stands when nothing is asked: an order at hand stays at hand.

        The raffle in which they were last stays known, so that they can go on about it.
        """
        conversation = self.contact.conversation
        return conversation if conversation.order_id is not None else Conversation(raffle_id=conversation.raffle_id)
