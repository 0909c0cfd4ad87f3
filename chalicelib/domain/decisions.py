"""Organisers' decisions in the chat: the buttons below a notice, and the message that is queued after a tap."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from json import dumps, loads

from chalicelib.domain.orders import Order, is_code
from chalicelib.domain.picks import fold
from chalicelib.domain.vocabulary import organiser_words

SEEN_LENGTH = 16  # hex digits that a choice carries of what an organiser has seen
ABOUT_PROOF = rf"(approve|reject|open|other):([0-9A-Z]+):([0-9a-f]{{{SEEN_LENGTH}}})"
MAX_REASON = 180  # characters of a reason that an organiser writes, which a button carries
FEW_WORDS = 8  # of a text that may name what is wanted anywhere
MIN_REASON = 8  # characters; less may be a slip


class Act(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    OPEN = "open"  # show the order, with links to its proofs
    OTHER = "other"  # reject for a reason of their own: ask for it
    PROPOSE = "propose"  # ask whether to reject for the reason that they wrote; no button has this
    ASK = "ask"  # ask what to do, since they wrote words below a notice; no button has this
    SHOW = "show"  # show the proofs that wait for a decision, or say that none does; of one order if it is named
    SHOW_MISSED = "show_missed"  # the same, but say nothing if none waits


class RejectReason(StrEnum):
    AMOUNT = "amount"
    UNREADABLE = "unreadable"
    NO_PAYMENT = "no_payment"
    NOT_ARRIVED = "not_arrived"
    USED = "used"


@dataclass(frozen=True, kw_only=True)
class Choosing:
    """The meaning of a button or row that only organisers get.

    Attributes:
        order_id: "" if it is about all orders.
        seen: stands for the proofs that the order had when the notice was made (`seen_of`).
        reason: why a proof is rejected; None: it is to be asked, or in their own words.
        words: why, in their own words, as the buyer reads it.
    """

    act: Act
    order_id: str = ""
    seen: str = ""
    reason: RejectReason | None = None
    words: str = ""

    @property
    def needs_reason(self) -> bool:
        """Return whether a reason is to be asked before anything is done."""
        return self.act is Act.REJECT and self.reason is None and not self.words

    @property
    def is_asked_back(self) -> bool:
        """Return whether the answer is a question, so that nothing is handed over."""
        return self.needs_reason or self.act in (Act.ASK, Act.OTHER, Act.PROPOSE)

    @property
    def choice(self) -> str:
        """Return the id of the button or row."""
        if self.words:
            return f"reject_as:{self.order_id}:{self.seen}:{self.words}"
        return ":".join(filter(None, (self.act, self.order_id, self.seen, self.reason)))


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A choice that an organiser tapped, handed over to the function that may carry it out.

    Attributes:
        contact_id: the contact that tapped. Whether it is an organiser is checked again.
        inbound_id: our id of the message with the tap, which takes effect once (M1).
    """

    choosing: Choosing
    contact_id: str
    inbound_id: str

    def to_json(self) -> str:
        return dumps({"choice": self.choosing.choice, "contact": self.contact_id, "inbound": self.inbound_id})

    @classmethod
    def from_json(cls, body: str) -> "Decision":
        """Read what `to_json` wrote. Raises ValueError, KeyError, TypeError."""
        fields = loads(body)
        choosing = read_choosing(str(fields["choice"]))
        if choosing is None:
            raise ValueError("not a choice of an organiser")
        return cls(choosing=choosing, contact_id=str(fields["contact"]), inbound_id=str(fields["inbound"]))


def seen_of(order: Order) -> str:
    """Return what stands for the proofs that an order has; "" if it has none.

    The same file that comes again, after a rejection, is another proof.
    """
    if not order.proofs:
        return ""
    return sha256(f"{len(order.proofs)} {order.proofs[-1].sha256}".encode()).hexdigest()[:SEEN_LENGTH]


def choosing_about(act: Act, order: Order) -> Choosing:
    """Return the choice to do something about the newest proof of an order."""
    return Choosing(act=act, order_id=order.id, seen=seen_of(order))


def read_choosing(choice: str) -> Choosing | None:
    """Return what the id of a button or row stands for; None if it is not one of an organiser's choices. Untrusted."""
    if choice in (Act.SHOW, Act.SHOW_MISSED):
        return Choosing(act=Act(choice))
    name, _, order_id = choice.partition(":")
    if name == Act.SHOW and is_code(order_id):
        return Choosing(act=Act.SHOW, order_id=order_id)
    if found := re.fullmatch(rf"reject_as:([0-9A-Z]+):([0-9a-f]{{{SEEN_LENGTH}}}):(\S.{{0,{MAX_REASON - 1}}})", choice):
        told = Choosing(act=Act.REJECT, order_id=found[1], seen=found[2], words=found[3])
        return told if is_code(told.order_id) else None
    found = re.fullmatch(rf"{ABOUT_PROOF}(?::([a-z_]+))?", choice)
    if found is None or not is_code(found[2]):
        return None
    act = Act(found[1])
    if found[4] is None:
        return Choosing(act=act, order_id=found[2], seen=found[3])
    if act is not Act.REJECT or found[4] not in set(RejectReason):
        return None
    return Choosing(act=act, order_id=found[2], seen=found[3], reason=RejectReason(found[4]))


def offered_in(text: str) -> tuple[Choosing, ...]:
    """Return the choices about one order's proof that a message of ours has; none if it is about several orders.

    Args:
        text: the message in WhatsApp's form, as JSON.
    """
    found = (read_choosing(":".join(parts)) for parts in re.findall(rf'(?<="){ABOUT_PROOF}', text))
    offered = tuple(dict.fromkeys(choosing for choosing in found if choosing is not None))
    return offered if len({choosing.order_id for choosing in offered}) == 1 else ()


def wished_act(text: str) -> Act | None:
    """Return what somebody wants who says "approved", "rejected" or the like, first or in a few words."""
    words = re.findall(r"\w+", fold(text))
    said = words if len(words) <= FEW_WORDS else words[:1]
    if not organiser_words("reject").isdisjoint(said):
        return Act.REJECT
    return Act.APPROVE if not organiser_words("approve").isdisjoint(said) else None


def asks_what_waits(text: str) -> bool:
    """Return whether an organiser asks which proofs wait: "pendientes", "quais pagamentos faltam conferir?"."""
    line = fold(text).replace("'", "").strip(" .,!?¡¿")
    words = set(re.findall(r"\w+", line))
    is_short = len(words) <= FEW_WORDS
    return line in organiser_words("pending") or (is_short and not organiser_words("pending_word").isdisjoint(words))


def objects_to_rejecting(text: str) -> bool:
    """Return whether an organiser begins with what is no reason: "no espera, ese sí está bien", "approve it"."""
    line = re.sub(r"\W+", " ", fold(text)).strip() + " "
    return wished_act(text) is Act.APPROVE or line.startswith(tuple(f"{one} " for one in organiser_words("no_reason")))


def own_reason(text: str) -> str:
    """Return the reason for a rejection that an organiser writes, in one line, without the word that rejects.

    "" if it is too short to be one. One that is too long is cut, and shown to them before it is used.
    """
    words = " ".join(text.split())
    if next(iter(re.findall(r"\w+", fold(words))), "") in organiser_words("reject"):
        words = re.sub(r"^\W*\w+[\s:,.;–-]*", "", words)
    return words[:MAX_REASON].rstrip() if len(words) >= MIN_REASON else ""


def propose_reason(asked: Choosing, reason: str) -> Choosing:
    """Return what follows when an organiser is asked why they reject a proof, and writes: nothing is rejected by that.

    Args:
        asked: the rejection, with the reason that they wrote before, if any.
        reason: what they write now; "" if it is none.
    """
    words = reason or asked.words
    return replace(asked, act=Act.PROPOSE, words=words) if words and asked.act is Act.REJECT else asked


def read_words_below(noticed: Sequence[Choosing], wish: Act | None, reason: str = "") -> Choosing:
    """Return what to do for an organiser who quotes a message about an order. Words alone decide nothing about money.

    They are asked, with the buttons of that message. A rejection asks for the reason, and so does whatever is written
    below that question. If the message has no buttons, the proof is shown.

    Args:
        noticed: what the message offers, or to show its order.
        reason: what they wrote, if it may be a reason.
    """
    offered = {choosing.act: choosing for choosing in noticed}
    reject = offered.get(Act.REJECT)
    if reject is not None and (wish is Act.REJECT or Act.APPROVE not in offered):
        return propose_reason(reject, reason)
    return offered.get(Act.SHOW) or Choosing(act=Act.ASK, order_id=noticed[0].order_id)
