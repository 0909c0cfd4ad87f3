"""One contact over REST: who they are, what was said, writing to them, and what privacy laws ask for."""

from functools import partial
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Stage
from chalicelib.domain.delivery import DeliveryState, Outbound
from chalicelib.domain.orders import Order
from chalicelib.domain.refusals import ContactNotFound
from chalicelib.http.delivery_failures import WholeLetterView, whole
from chalicelib.http.dispatch import Call, Patch
from chalicelib.http.orders import OrderView
from chalicelib.http.orders import present as present_order
from chalicelib.http.proofs import LinkView, linked
from chalicelib.http.schemas import CursorQuery, Form, Listed, Moment, PageQuery, Search, Text, View
from chalicelib.services.search import find_contacts
from chalicelib.store import contacts as stored
from chalicelib.store import history
from chalicelib.store.history import ReceivedMessage
from chalicelib.store.pages import Page
from chalicelib.whatsapp.error_codes import meaning
from chalicelib.whatsapp.rendered_text import read_in

SEARCH = "a name, or the beginning of one; a phone number in any form; the code of an order, perhaps with a mistake"
AT_ONCE = 45  # messages
MOST_SAID = 1_500_000  # bytes of an answer: Lambda takes 6 MB, the orders need room, and escaped text is longer


class ContextView(View):
    """What the conversation is about just now."""

    raffle: str | None
    order: str | None


class ContactView(View):
    """A person. Its ETag is that of this state."""

    IS: ClassVar = "contact_id"

    id: str
    name: str
    phone: Annotated[str | None, Field(description="E.164, where WhatsApp shows it to us")]
    user_id: Annotated[str | None, Field(description="WhatsApp's id of the person for our business")]
    language: str
    state: Stage
    context: ContextView
    opted_out: bool
    opted_out_since: Moment | None
    person_wanted_at: Annotated[Moment | None, Field(description="when they asked for a person; null: helped")]
    bot_paused: bool
    bot_paused_until: Moment | None
    bot_paused_by: str | None
    last_heard_at: Moment | None
    window_until: Annotated[Moment | None, Field(description="until when WhatsApp takes free text to them")]
    held: Annotated[dict[str, int], Field(description="raffle → how many of its numbers are theirs")]
    erased_at: Moment | None
    created_at: Moment | None
    version: int


class ContactBody(Form):
    """What an organiser may change of a contact. Everything else is read-only."""

    language: Literal["en", "es", "pt"] = "en"
    name: (
        Annotated[Text, Field(min_length=1, max_length=60, description="a correction; null: as WhatsApp calls them")]
        | None
    ) = None
    bot_paused: Annotated[bool, Field(description="whether the bot leaves the talking to organisers")] = False
    person_wanted_at: Annotated[None, Field(description="null: they have been helped")] = None


class MessageView(View):
    """Something that was said. `state` and what follows it are about messages to the person (`direction` out)."""

    id: str
    direction: Literal["in", "out"]
    at: Moment
    kind: Annotated[str, Field(description="WhatsApp's type of message", examples=["text", "image", "template"])]
    text: Annotated[str, Field(description="what the person wrote, or what they read of ours")]
    choices: Annotated[list[str], Field(description="the buttons or rows that they could tap")]
    media: Annotated[str | None, Field(description="WhatsApp's id of a file that they sent")]
    sent_at: Annotated[Moment | None, Field(description="when they sent it; it may have come later")]
    state: DeliveryState | None
    error_code: Annotated[int | None, Field(description="WhatsApp's reason for not delivering it")]
    error: Annotated[str | None, Field(description="the same in words")]
    by: Annotated[str | None, Field(description="the organiser who wrote it; null: the bot, or the person")]
    in_reply_to: Annotated[str | None, Field(description="id of the message that it answers")]


class WriteBody(Form):
    text: Annotated[Text, Field(min_length=1, max_length=4096, examples=["How can I help?"])]
    pause_bot: Annotated[bool, Field(description="leave the talking to organisers from now on")] = True


class ExportedOrderView(View):
    order: OrderView
    proofs: list[LinkView]


class FingerprintView(View):
    """What is remembered of a payment proof, so that it is known when it comes again (P6)."""

    what: Literal["file", "picture"]
    order: str
    received_at: Moment


class PersonView(View):
    """Everything that is held about a person. Where they wrote very much, `next` leads to the messages before these;
    what else there is comes with the newest ones."""

    contact: ContactView
    messages: list[MessageView]
    orders: list[ExportedOrderView]
    fingerprints: list[FingerprintView]
    dead_letters: list[WholeLetterView]
    next: str | None


class ErasureView(View):
    """`finished`: nothing names the person any more. Until then, ask again: it goes on."""

    contact: str
    erased_at: Moment
    finished: bool


class ContactsQuery(PageQuery):
    ids: (
        Annotated[
            str,
            Field(pattern="^[0-9a-f]{1,64}(,[0-9a-f]{1,64}){0,99}$", description="just these, up to 100, with commas"),
        ]
        | None
    ) = None
    search: Annotated[Search, Field(description=SEARCH)] | None = None
    person_wanted: Annotated[Literal["true"] | None, Field(description="who waits for a person, the longest first")] = (
        None
    )
    opted_out: Annotated[Literal["true"] | None, Field(description="who wants no messages, the last one first")] = None

    @model_validator(mode="after")
    def _ids_alone(self) -> Self:
        if self.ids is not None and (self.search or self.person_wanted or self.opted_out or self.cursor):
            raise ValueError("ids: expected without other filters")
        return self


def list_contacts(call: Call, query: ContactsQuery) -> Listed[ContactView]:
    """Contacts, newest first; with `search` the likeliest first. A page may be short, or empty, and not be the last."""
    if query.ids is not None:
        ids = list(dict.fromkeys(query.ids.split(",")))
        found = stored.get_all(ids)
        known = [present(call, found[one]) for one in ids if one in found]
        return Listed.model_construct(results=known, next=None, previous=None)
    limit, text = query.page_size, query.search
    flags = {"person_wanted": query.person_wanted is not None, "opted_out": query.opted_out is not None}
    shown = partial(present, call)
    if text is not None:
        return call.forwards(query, lambda after: find_contacts(text, **flags, limit=limit, after=after), shown)
    return call.page(
        query,
        lambda after, backwards: stored.listed(**flags, limit=limit, after=after, backwards=backwards),
        shown,
    )


def read_contact(call: Call, contact_id: str) -> ContactView:
    """One contact; by a further id of theirs, too."""
    contact = stored.get(contact_id)
    if contact is None:
        raise ContactNotFound(contact_id)
    return _shown(call, contact)


def patch_contact(call: Call, contact_id: str, body: Patch[ContactBody]) -> ContactView:
    """Correct name or language, pause the bot for the person or have it go on, note that they were helped."""
    checked = body.of({})
    changes = {name: getattr(checked, name) for name in body.changes}
    return _shown(call, call.container.contacts.change(contact_id, changes, by=call.by, expected=call.expected))


def list_contact_messages(call: Call, contact_id: str, query: PageQuery) -> Listed[MessageView]:
    """What was said, both ways, newest first."""
    return call.forwards(
        query, lambda after: history.page(contact_id, limit=query.page_size, after=after), present_message
    )


def write_to_contact(call: Call, contact_id: str, body: WriteBody) -> MessageView:
    """Write to the person; the bot leaves the talking to organisers for 24 hours. Refused where WhatsApp takes none."""
    contacts = call.container.contacts
    return present_message(
        contacts.write(
            contact_id, body.text, by=call.by, pause_bot=body.pause_bot, idempotency_key=call.idempotency_key
        )
    )


def export_contact(call: Call, contact_id: str, query: CursorQuery) -> PersonView:
    """Everything that is held about the person, for when they ask. The audit log notes who saw it."""
    held = call.container.privacy.collect(contact_id, everything=query.cursor is None, by=call.by)
    said = call.forwards(query, partial(_said, held.contact.id), lambda message: message)
    return PersonView(
        contact=present(call, held.contact),
        messages=said.results,
        orders=[_with_proofs(call, order) for order in held.orders],
        fingerprints=[
            FingerprintView(
                what=fingerprint.kind,
                order=fingerprint.order_id,
                received_at=fingerprint.received_at,
            )
            for fingerprint in held.fingerprints
        ],
        dead_letters=[whole(one) for one in held.dead_letters],
        next=said.next,
    )


def _said(contact_id: str, after: str | None) -> Page[MessageView]:
    """As much of what was said as an answer has room for."""
    found, size, further = list[MessageView](), 0, after
    while size < MOST_SAID:
        page = history.page(contact_id, limit=AT_ONCE, after=further)
        shown = list(map(present_message, page.items))
        size += sum(len(message.model_dump_json().encode()) for message in shown)
        found, further = found + shown, page.next
        if further is None:
            break
    return Page(found, further, None)


def erase_contact(call: Call, contact_id: str) -> ErasureView:
    """Take away all that names the person; orders stay, under an id that names nobody. Not while one is unsettled."""
    contact, finished = call.container.privacy.erase(contact_id, by=call.by)
    assert contact.erased_at is not None
    return ErasureView(contact=contact.id, erased_at=contact.erased_at, finished=finished)


def present(call: Call, contact: Contact) -> ContactView:
    paused = contact.bot_is_paused(call.container.clock())
    return ContactView(
        id=contact.id,
        name=contact.name,
        phone=contact.phone and f"+{contact.phone}",
        user_id=contact.user_id,
        language=contact.language,
        state=contact.conversation.stage,
        context=ContextView(raffle=contact.conversation.raffle_id, order=contact.conversation.order_id),
        opted_out=contact.opted_out,
        opted_out_since=contact.opted_at if contact.opted_out else None,
        person_wanted_at=contact.person_wanted_at,
        bot_paused=paused,
        bot_paused_until=contact.bot_paused_until if paused else None,
        bot_paused_by=contact.bot_paused_by if paused else None,
        last_heard_at=contact.last_heard_at,
        window_until=contact.window_until,
        held=contact.held,
        erased_at=contact.erased_at,
        created_at=contact.created_at,
        version=contact.version,
    )


def _shown(call: Call, contact: Contact) -> ContactView:
    call.tag(str(contact.version))
    return present(call, contact)


def present_message(said: ReceivedMessage | Outbound) -> MessageView:
    if isinstance(said, ReceivedMessage):
        return MessageView(
            id=said.id,
            direction="in",
            at=said.received_at,
            kind=said.form,
            text=said.text,
            choices=[],
            media=said.media_id,
            sent_at=said.sent_at,
            state=None,
            error_code=None,
            error=None,
            by=None,
            in_reply_to=None,
        )
    read = read_in(said.body)
    failed = said.state is DeliveryState.FAILED or said.is_waiting
    return MessageView(
        id=said.id,
        direction="out",
        at=said.created_at,
        kind=read.kind,
        text=read.text,
        choices=list(read.choices),
        media=None,
        sent_at=None,
        state=said.state,
        error_code=said.error_code if failed else None,
        error=meaning(said.error_code) if failed and said.error_code is not None else None,
        by=said.by,
        in_reply_to=said.in_reply_to,
    )


def _with_proofs(call: Call, order: Order) -> ExportedOrderView:
    return ExportedOrderView(order=present_order(order), proofs=[linked(call.container, one) for one in order.proofs])
