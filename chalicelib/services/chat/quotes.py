"""Find out what a message is about that quotes one of ours (M7)."""

from collections.abc import Sequence
from dataclasses import replace
from json import dumps

from chalicelib.domain.choices import CONFIRM, mentioned
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.decisions import Act, Choosing, offered_in
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.messages import Identity, IncomingMessage, MessageKind
from chalicelib.domain.orders import OWNING, RUNNING, Order, OrderStatus
from chalicelib.domain.reply_names import ReplyName
from chalicelib.services.chat.lookups import find_own
from chalicelib.services.chat.turn import Turn
from chalicelib.store import messages
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.whatsapp.message_ids import unique_part

LOOKED_AT = 50  # the newest messages to a contact, among which the quoted one is looked for
CAN_QUOTE = (MessageKind.TEXT, MessageKind.MEDIA)
FOR_ORGANISERS = (
    ReplyName.NOTICE,
    ReplyName.PROOF_OPENED,
    ReplyName.ASK_DECISION,
    ReplyName.ASK_REASON,
    ReplyName.DECIDED,
)


def follow_quote(turn: Turn, organiser: Identity | None = None) -> None:
    """Put the order or the raffle at hand that the quoted message is about. One request if they quote one.

    A message about several orders or raffles, like a list, says nothing. Nor does one about none of theirs. What an
    organiser writes below a notice is never about an order of their own (O11).

    Args:
        organiser: who writes, as the settings name them, if they are an organiser.
    """
    quoted = turn.message.quotes
    if quoted is None or turn.message.kind not in CAN_QUOTE:
        return
    newest, found = _find_quoted(turn.contact.id, quoted, organiser)
    if found is not None and turn.message.kind is MessageKind.TEXT and _is_for_organisers(found):
        turn.noticed = _noticed_in(found)
        turn.quote_is_unknown = not turn.noticed
        return
    if found is None:
        # A file is money, and is kept whatever it quotes.
        turn.quote_is_unknown = turn.message.kind is MessageKind.TEXT
        return
    # The account to pay to is a message of its own: what else was said with it tells the order.
    said_together = [one for one in newest if one.in_reply_to and one.in_reply_to == found.in_reply_to] or [found]
    raffle_ids, order_ids = mentioned(dumps([one.body for one in said_together]))
    own = find_own(turn, order_ids.pop()) if len(order_ids) == 1 else None
    if own is not None:
        if own.order.status not in RUNNING:  # nothing of it waits, so it is at hand for this message only
            turn.left_by_quote = turn.contact.conversation
        _put_at_hand(turn, _about_order(own.order))
    elif len(raffle_ids) == 1:
        _put_at_hand(turn, _about_raffle(turn.contact.conversation, raffle_ids.pop()))


def find_noticed(contact_id: str, message: IncomingMessage, organiser: Identity | None) -> tuple[Choosing, ...]:
    """Return what can be done about the order of the notice that an organiser quotes. One request if they quote one."""
    if message.quotes is None or message.kind is not MessageKind.TEXT or organiser is None:
        return ()
    _, found = _find_quoted(contact_id, message.quotes, organiser)
    return _noticed_in(found) if found is not None and _is_for_organisers(found) else ()


def _find_quoted(
    contact_id: str, quoted: str, organiser: Identity | None
) -> tuple[Sequence[Outbound], Outbound | None]:
    """Return the newest messages to a contact, and the quoted one. One more request for an organiser's notices.

    Notices are sent to the number in the settings, whose contact may be known by another id.
    """
    newest: list[Outbound] = []
    for known_as in dict.fromkeys((contact_id, *(contact_ids_of(organiser) if organiser is not None else ()))):
        newest = messages.newest_to(known_as, limit=LOOKED_AT)
        found = next((one for one in newest if one.message_id and _is_same(one.message_id, quoted)), None)
        if found is not None:
            return newest, found
    return newest, None


def _is_for_organisers(message: Outbound) -> bool:
    return message.reply in FOR_ORGANISERS


def _noticed_in(message: Outbound) -> tuple[Choosing, ...]:
    """Return the choices that a message to an organiser has; to show its order if it has none, like a template."""
    text = dumps(message.body)
    offered = offered_in(text)
    order_ids = mentioned(text)[1]
    return offered or tuple(Choosing(act=Act.SHOW, order_id=order_id) for order_id in order_ids if len(order_ids) == 1)


def return_from_quote(turn: Turn) -> None:
    """Put back at hand what was there before a quote of something that waits for nothing."""
    if turn.left_by_quote is not None and turn.contact.conversation == turn.quoted:
        turn.contact = replace(turn.contact, conversation=turn.left_by_quote)


def _is_same(one_id: str, other_id: str) -> bool:
    return unique_part(one_id) == unique_part(other_id)


def _put_at_hand(turn: Turn, conversation: Conversation) -> None:
    turn.quote_decides = True
    turn.quoted = conversation
    turn.contact = replace(turn.contact, conversation=conversation)


def _about_order(order: Order) -> Conversation:
    """Return the conversation about an order. Who names numbers to one that is over chooses in its raffle."""
    stage = Stage.PAYMENT if order.status in OWNING - {OrderStatus.PAID} else Stage.SELECTING
    asks = None
    if order.status is OrderStatus.DRAFT:
        stage = Stage.CONFIRMING
        asks = CONFIRM
    return Conversation(stage=stage, raffle_id=order.raffle_id, order_id=order.id, asks=asks)


def _about_raffle(conversation: Conversation, raffle_id: str) -> Conversation:
    """Return the conversation about a raffle. An order at hand stays at hand only if it is of this raffle.

    While somebody looks around, the order at hand may be of another one.
    """
    if conversation.raffle_id == raffle_id and conversation.stage in (Stage.CONFIRMING, Stage.PAYMENT):
        return conversation
    return Conversation(stage=Stage.SELECTING, raffle_id=raffle_id)
