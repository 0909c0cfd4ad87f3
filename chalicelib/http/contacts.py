"""Contacts: the people who write to us, the messages exchanged with them, and their rights to privacy."""

from functools import partial
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Stage
from chalicelib.domain.delivery import DeliveryState, Outbound
from chalicelib.domain.languages import LanguageCode, LanguageSource
from chalicelib.domain.orders import Order
from chalicelib.domain.refusals import ContactNotFound
from chalicelib.http.delivery_failures import WholeLetterView, present_whole
from chalicelib.http.dispatch import Call, Patch
from chalicelib.http.orders import OrderView
from chalicelib.http.orders import present as present_order
from chalicelib.http.proofs import LinkView, present_link
from chalicelib.http.schemas import CursorQuery, Form, Listed, Moment, PageQuery, Search, Text, View
from chalicelib.services.search import find_contacts
from chalicelib.store import contacts as stored
from chalicelib.store import history
from chalicelib.store.history import ReceivedMessage
from chalicelib.store.pages import Page
from chalicelib.whatsapp.error_codes import meaning
from chalicelib.whatsapp.rendered_text import extract_text

SEARCH = (
    "A name or the beginning of one, a phone number in any notation, or an order code, even with a typing mistake. "
    "The best matches come first."
)
BATCH = 45  # messages that are read at once
# Bytes of messages in an answer. Lambda allows 6 MB, but the orders need room, too, and escaped text is longer.
MAX_MESSAGE_BYTES = 1_500_000


class ContextView(View):
    """What the conversation is currently about."""

    raffle: str | None
    order: str | None


class ContactView(View):
    """A person who writes to us."""

    ID_PARAMETER: ClassVar = "contact_id"

    id: str
    name: str
    phone: Annotated[str | None, Field(description="The phone number (E.164), if WhatsApp shows it to us.")]
    user_id: Annotated[str | None, Field(description="WhatsApp's id of the person for our business.")]
    language: LanguageCode
    language_source: Annotated[
        LanguageSource,
        Field(
            description="How the language is known: chosen by them or an organiser, written by them, that of their "
            "phone's country, that of the raffle that they opened, or the default."
        ),
    ]
    state: Stage
    context: ContextView
    blocked_at: Annotated[Moment | None, Field(description="Since when they can hold nothing; null if they can.")]
    age_confirmed: Annotated[
        int | None, Field(description="The age in years that they said to have reached, when a raffle asked.")
    ]
    age_confirmed_at: Moment | None
    vouched_for: Annotated[bool, Field(description="Whether they count as somebody who has paid before.")]
    opted_out: bool
    opted_out_since: Moment | None
    person_wanted_at: Annotated[Moment | None, Field(description="When they asked for a person; null if they did not.")]
    bot_paused: bool
    bot_paused_until: Moment | None
    bot_paused_by: str | None
    last_heard_at: Moment | None
    window_until: Annotated[Moment | None, Field(description="Until when WhatsApp delivers free text to them.")]
    held: Annotated[dict[str, int], Field(description="Raffle → how many of its numbers they have.")]
    erased_at: Moment | None
    created_at: Moment | None
    version: int


class ContactBody(Form):
    """The fields of a contact that an organiser can change. All others are read-only."""

    language: (
        Annotated[LanguageCode, Field(description="Chosen for them; null: as they write, or as their phone's country.")]
        | None
    ) = None
    name: (
        Annotated[Text, Field(min_length=1, max_length=60, description="A corrected name; null: as on WhatsApp.")]
        | None
    ) = None
    bot_paused: Annotated[bool, Field(description="Whether the bot leaves the conversation to organisers.")] = False
    person_wanted_at: Annotated[None, Field(description="null, once somebody has helped them.")] = None
    blocked: Annotated[
        bool, Field(description="true: they can hold nothing, and their unpaid orders are cancelled.")
    ] = False
    vouched_for: Annotated[bool, Field(description="Treat them like somebody who has paid before.")] = False


class MessageView(View):
    """A message. `state` and the fields after it apply only to messages to the person (`direction` out)."""

    id: str
    direction: Literal["in", "out"]
    at: Moment
    kind: Annotated[str, Field(description="WhatsApp's type of message.", examples=["text", "image", "template"])]
    text: Annotated[str, Field(description="The text as the person wrote it, or as they see it.")]
    choices: Annotated[list[str], Field(description="The buttons or rows that they could tap.")]
    media: Annotated[str | None, Field(description="WhatsApp's id of a file that they sent.")]
    has_file: Annotated[
        bool, Field(description="Whether a file is kept with the message, because it belongs to no order.")
    ]
    sent_at: Annotated[Moment | None, Field(description="When they sent it; it may have arrived later.")]
    state: DeliveryState | None
    error_code: Annotated[int | None, Field(description="WhatsApp's error code, if it was not delivered.")]
    error: Annotated[str | None, Field(description="The same in words.")]
    by: Annotated[str | None, Field(description="The organiser who wrote it; null for the bot and the person.")]
    in_reply_to: Annotated[str | None, Field(description="The id of the message that it answers.")]
    reply: Annotated[
        str | None,
        Field(
            description="Which of the bot's replies it is: docs/api.md lists the names. null for what people write, "
            "and for messages from before names were kept.",
            examples=["held"],
        ),
    ]


class FileView(View):
    """A file that a person sent, as a link that is valid until `url_expires_at`."""

    url: str
    url_expires_at: Moment


class WriteBody(Form):
    """A message to the person."""

    text: Annotated[Text, Field(min_length=1, max_length=4096, examples=["How can I help?"])]
    pause_bot: Annotated[bool, Field(description="Whether the bot leaves the conversation to organisers.")] = True


class ExportedOrderView(View):
    """An order of the person with its payment proofs."""

    order: OrderView
    proofs: list[LinkView]


class FingerprintView(View):
    """What is stored of a payment proof in order to recognise it when it is used again."""

    what: Literal["file", "picture"]
    order: str
    received_at: Moment


class PersonView(View):
    """Everything that is stored about a person.

    If there are too many messages for one answer, `next` leads to the older ones. Everything else is in the first page.
    """

    contact: ContactView
    messages: list[MessageView]
    orders: list[ExportedOrderView]
    fingerprints: list[FingerprintView]
    dead_letters: list[WholeLetterView]
    next: str | None


class ErasureView(View):
    """How far an erasure is. Repeat the request until it is `finished`: then nothing identifies the person any more."""

    contact: str
    erased_at: Moment
    finished: bool


class ErasurePreviewView(View):
    """The effect of an erasure. It is refused while an order is `unsettled`.

    Name, phone number, user id, all messages and all files go; the orders stay, under an id that identifies nobody, and
    so do sums and the audit log.
    """

    contact: str
    erased_at: Annotated[Moment | None, Field(description="null unless an erasure has begun or is done.")]
    can_erase: bool
    unsettled: Annotated[list[str], Field(description="The ids of orders to settle first.", examples=[["8WGRRPW3"]])]
    orders: Annotated[int, Field(description="How many stay.")]
    files: Annotated[int, Field(description="How many proofs go.")]


class ContactsQuery(PageQuery):
    ids: (
        Annotated[
            str,
            Field(
                pattern="^[0-9a-f]{1,64}(,[0-9a-f]{1,64}){0,99}$",
                description="Only these contacts: up to 100 ids, separated by commas.",
            ),
        ]
        | None
    ) = None
    search: Annotated[Search, Field(description=SEARCH)] | None = None
    person_wanted: Annotated[
        Literal["true"] | None, Field(description="Only those waiting to talk to a person, longest wait first.")
    ] = None
    opted_out: Annotated[
        Literal["true"] | None, Field(description="Only those who opted out of messages, most recent first.")
    ] = None

    @model_validator(mode="after")
    def _ids_alone(self) -> Self:
        if self.ids is not None and (self.search or self.person_wanted or self.opted_out or self.cursor):
            raise ValueError("ids: expected without other filters and without a cursor")
        return self


def list_contacts(call: Call, query: ContactsQuery) -> Listed[ContactView]:
    """List contacts.

    Newest first, unless a filter says otherwise. A page may be short or even empty without being the last one: follow
    `next` until it is null.
    """
    if query.ids is not None:
        ids = list(dict.fromkeys(query.ids.split(",")))
        contacts = stored.get_all(ids)
        results = [present(call, contacts[contact_id]) for contact_id in ids if contact_id in contacts]
        return Listed.model_construct(results=results, next=None, previous=None)
    limit = query.page_size
    text = query.search
    flags = {"person_wanted": query.person_wanted is not None, "opted_out": query.opted_out is not None}
    present_one = partial(present, call)
    if text is not None:
        return call.forwards(query, lambda after: find_contacts(text, **flags, limit=limit, after=after), present_one)
    return call.page(
        query,
        lambda after, backwards: stored.listed(**flags, limit=limit, after=after, backwards=backwards),
        present_one,
    )


def read_contact(call: Call, contact_id: str) -> ContactView:
    """Get a contact.

    A former id of a merged contact works, too.
    """
    contact = stored.get(contact_id)
    if contact is None:
        raise ContactNotFound(contact_id)
    return _shown(call, contact)


def patch_contact(call: Call, contact_id: str, body: Patch[ContactBody]) -> ContactView:
    """Update a contact.

    Correct the name or the language, pause or resume the bot for the person, mark them as helped, vouch for them, or
    block them: that also cancels their unpaid orders, those in review included. If there was no time for all of them,
    the answer is 429: send the same request again.
    """
    values = body.apply_to({})
    changes = {name: getattr(values, name) for name in body.changes}
    return _shown(call, call.container.contacts.change(contact_id, changes, by=call.by, expected=call.expected))


def list_contact_messages(call: Call, contact_id: str, query: PageQuery) -> Listed[MessageView]:
    """List the messages exchanged with a contact.

    Both directions, newest first.
    """
    return call.forwards(
        query, lambda after: history.page(contact_id, limit=query.page_size, after=after), present_message
    )


def read_message_file(call: Call, contact_id: str, message_id: str) -> FileView:
    """Get a file that a contact sent.

    The link saves the file, and is valid for a few minutes. The audit log records who asked. Proofs are with their
    order, too, which says more about them. What was no picture and no PDF, or too large, is not kept.
    """
    contact = stored.get(contact_id)
    if contact is None:
        raise ContactNotFound(contact_id)
    link = call.container.proofs.file_link(contact, message_id, by=call.by)
    return FileView(url=link.url, url_expires_at=link.url_expires_at)


def write_to_contact(call: Call, contact_id: str, body: WriteBody) -> MessageView:
    """Write to a contact.

    The bot leaves the conversation to organisers for 24 hours, unless `pause_bot` is false. WhatsApp takes free text
    only within 24 hours of the person's last message; after that, the request is refused.
    """
    contacts = call.container.contacts
    return present_message(
        contacts.write(
            contact_id, body.text, by=call.by, pause_bot=body.pause_bot, idempotency_key=call.idempotency_key
        )
    )


def export_contact(call: Call, contact_id: str, query: CursorQuery) -> PersonView:
    """Export everything stored about a contact.

    For requests of access under privacy laws. The audit log records who exported the data.
    """
    call.check_cursor(query)  # a request that is refused leaves nothing in the audit log
    data = call.container.privacy.collect(contact_id, everything=query.cursor is None, by=call.by)
    messages = call.forwards(query, partial(_messages_that_fit, data.contact.id), lambda message: message)
    return PersonView(
        contact=present(call, data.contact),
        messages=messages.results,
        orders=[_with_proofs(call, order) for order in data.orders],
        fingerprints=[
            FingerprintView(
                what=fingerprint.kind,
                order=fingerprint.order_id,
                received_at=fingerprint.received_at,
            )
            for fingerprint in data.fingerprints
        ],
        dead_letters=[present_whole(letter) for letter in data.dead_letters],
        next=messages.next,
    )


def _messages_that_fit(contact_id: str, after: str | None) -> Page[MessageView]:
    """Return as many messages as one answer has room for."""
    messages = list[MessageView]()
    size = 0
    cursor = after
    while size < MAX_MESSAGE_BYTES:
        page = history.page(contact_id, limit=BATCH, after=cursor)
        batch = list(map(present_message, page.items))
        size += sum(len(message.model_dump_json().encode()) for message in batch)
        messages += batch
        cursor = page.next
        if cursor is None:
            break
    return Page(messages, cursor, None)


def preview_erasure(call: Call, contact_id: str) -> ErasurePreviewView:
    """Get what erasing a contact would do.

    What goes and what stays, and which orders must be settled first. Nothing is changed.
    """
    preview = call.container.privacy.preview_erasure(contact_id)
    return ErasurePreviewView(
        contact=preview.contact.id,
        erased_at=preview.contact.erased_at,
        can_erase=not preview.unsettled,
        unsettled=preview.unsettled,
        orders=preview.orders,
        files=preview.files,
    )


def erase_contact(call: Call, contact_id: str) -> ErasureView:
    """Erase a contact's personal data.

    Their orders remain, under an id that identifies nobody. Refused while one of them is not settled. Repeat the
    request until it is `finished`.
    """
    contact, finished = call.container.privacy.erase(contact_id, by=call.by)
    assert contact.erased_at is not None
    return ErasureView(contact=contact.id, erased_at=contact.erased_at, finished=finished)


def present(call: Call, contact: Contact) -> ContactView:
    """Return a contact as the API shows it."""
    paused = contact.bot_is_paused(call.container.clock())
    return ContactView(
        id=contact.id,
        name=contact.name,
        phone=contact.phone and f"+{contact.phone}",
        user_id=contact.user_id,
        language=contact.language,
        language_source=contact.language_source,
        state=contact.conversation.stage,
        context=ContextView(raffle=contact.conversation.raffle_id, order=contact.conversation.order_id),
        blocked_at=contact.blocked_at,
        age_confirmed=contact.age_confirmed,
        age_confirmed_at=contact.age_confirmed_at,
        vouched_for=contact.vouched_for,
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
    call.tag(contact.edit_version)
    return present(call, contact)


def present_message(message: ReceivedMessage | Outbound) -> MessageView:
    """Return a message in either direction as the API shows it."""
    if isinstance(message, ReceivedMessage):
        return MessageView(
            id=message.id,
            direction="in",
            at=message.received_at,
            kind=message.form,
            text=message.text,
            choices=[],
            media=message.media_id,
            has_file=message.file_type is not None,
            sent_at=message.sent_at,
            state=None,
            error_code=None,
            error=None,
            by=None,
            in_reply_to=None,
            reply=None,
        )
    rendered = extract_text(message.body)
    failed = message.state is DeliveryState.FAILED or message.is_waiting
    return MessageView(
        id=message.id,
        direction="out",
        at=message.created_at,
        kind=rendered.kind,
        text=rendered.text,
        choices=list(rendered.choices),
        media=None,
        has_file=False,
        sent_at=None,
        state=message.state,
        error_code=message.error_code if failed else None,
        error=meaning(message.error_code) if failed and message.error_code is not None else None,
        by=message.by,
        in_reply_to=message.in_reply_to,
        reply=message.reply,
    )


def _with_proofs(call: Call, order: Order) -> ExportedOrderView:
    proofs = [present_link(call.container.proofs.link(order, proof)) for proof in order.proofs]
    return ExportedOrderView(order=present_order(order), proofs=proofs)
