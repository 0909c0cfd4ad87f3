"""What updates say, in the domain's words."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.messages import Identity, IncomingMessage, Media, MessageKind
from chalicelib.whatsapp.inbound import Message, Other, Preference, Renewal, Status, read
from chalicelib.whatsapp.text import clean, clean_name, safe_filename
from chalicelib.whatsapp.webhook import Update
from tests.support.whatsapp_samples import PAYLOADS, only_update, taken_apart

LUCIA = Identity(user_id="GT.7700112233445566", phone="50255501234")


def message(name: str) -> Message:
    found = read(only_update(name))
    assert isinstance(found, Message)
    return found


def status(name: str) -> Status:
    found = read(taken_apart(name).updates[-1])
    assert isinstance(found, Status)
    return found


def other(name: str) -> Other:
    found = read(taken_apart(name).updates[-1])
    assert isinstance(found, Other)
    return found


def written(**value: Any) -> Message:
    update = Update(
        kind="message", id="wamid.1", group="g", phone_number_id="1", value={"from": "50255501234", **value}
    )
    found = read(update)
    assert isinstance(found, Message)
    return found


def heard(kind: MessageKind, text: str = "", choice: str = "", media: Media | None = None) -> IncomingMessage:
    return IncomingMessage(kind=kind, text=text, choice=choice, media=media)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("text", heard(MessageKind.TEXT, "Hola, quiero participar en la rifa")),
        ("text_missing_body", heard(MessageKind.OTHER)),
        ("text_nul_and_control", heard(MessageKind.TEXT, "el 5 y el 12\n 9")),
        ("text_digits_arabic_indic", heard(MessageKind.TEXT, "٥ ١٢ ٩٩")),
        ("text_unicode_emoji", heard(MessageKind.TEXT, "¡Quiero el 7️⃣ y el 🔟! 👨‍👩‍👧‍👦🇬🇹 ñandú café")),
        ("button_template_quick_reply", heard(MessageKind.CHOICE, "Quiero número", "RIFA:7:COMPRAR")),
        ("interactive_button_reply", heard(MessageKind.CHOICE, "Confirmar", "confirm:res_01J8ZK")),
        ("interactive_list_reply", heard(MessageKind.CHOICE, "Número 12", "num:012")),
        ("interactive_nfm_reply_flow", heard(MessageKind.OTHER)),
        ("interactive_nfm_reply_bad_json", heard(MessageKind.OTHER)),
        ("interactive_unknown_subtype", heard(MessageKind.OTHER)),
        (
            "image_caption",
            heard(MessageKind.MEDIA, "Comprobante de pago números 5, 12 y 99", media=Media(id="1780011223344556")),
        ),
        ("document_hostile_filename", heard(MessageKind.MEDIA, media=Media(id="1780099887766003"))),
        ("type_missing", heard(MessageKind.OTHER)),
        ("request_welcome", heard(MessageKind.CHOICE, choice="menu")),
    ],
)
def test_each_kind_is_heard(name: str, expected: IncomingMessage) -> None:
    assert replace(message(name).incoming, quotes=None) == expected


@pytest.mark.parametrize(
    "name",
    [
        "video", "sticker_static", "location_current", "location_place", "contacts_shared",
        "contacts_many_sparse", "order", "unsupported_bare", "unsupported_poll", "unknown_type_legacy", "future_type",
    ],
)  # fmt: skip
def test_other_kinds_are_recognised(name: str) -> None:
    assert message(name).incoming == IncomingMessage(kind=MessageKind.OTHER)
    assert message(name).kind


@pytest.mark.parametrize(
    "name",
    [
        "reaction_removed_empty_emoji", "system_identity_changed", "system_user_changed_number",
        "edit_text", "edit_image_caption", "revoke",
    ],
)  # fmt: skip
def test_edits_and_reactions_that_are_taken_back_need_no_answer(name: str) -> None:
    assert message(name).incoming == IncomingMessage(kind=MessageKind.EVENT)


def test_a_reaction_tells_the_emoji_and_to_what() -> None:
    found = message("reaction_add").incoming
    assert found.kind is MessageKind.REACTION and found.text and found.reacts_to


@pytest.mark.parametrize("name", ["audio_file", "voice"])
def test_what_can_only_be_heard_is_recognised(name: str) -> None:
    assert message(name).incoming == IncomingMessage(kind=MessageKind.VOICE)


def test_a_message_tells_who_when_and_to_what() -> None:
    found = message("text_reply_context")
    assert found.sender == LUCIA
    assert found.name == "Lucía Pérez"
    assert found.sent_at == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert found.incoming.quotes == "wamid.HBgLNTAyNTU1MDEyMzQVAgARGBJBMUIyQzNENEU1RjYwNzE4MjkA"
    assert (found.kind, found.phone_number_id, found.error_code) == ("text", "112233445566778", None)


def test_a_person_may_have_no_phone_or_no_user_id() -> None:
    assert message("bsuid_without_phone").sender == Identity(user_id="GT.7700112233445566")
    assert message("no_bsuid_legacy").sender == Identity(phone="50255501234")
    assert message("number_mexico").sender.phone == "5215512345678"


@pytest.mark.parametrize("name", ["missing_profile", "profile_name_null", "missing_contacts", "profile_name_invisible"])
def test_a_name_may_be_missing(name: str) -> None:
    assert message(name).name == ""


def test_a_hostile_name_is_made_harmless() -> None:
    assert message("profile_name_hostile").name == '*Admin* =HYPERLINK("http://x")<script>{{1}}'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("  Ana \n\t María ", "Ana María"),
        ("Ana\u202e\u0000\u200b", "Ana"),
        ("\u3164\u200b\u2800", ""),
        ("\ufe0f\u0301", ""),
        ("x" * 100, "x" * 60),
        ("x" * 59 + "e\u0301", "x" * 59),
        ("🇬🇹", "🇬🇹"),
        ("\ud800Ana", "Ana"),
        (7, ""),
    ],
)
def test_names_are_one_visible_line_of_at_most_60(name: object, expected: str) -> None:
    assert clean_name(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("boleta.pdf", "boleta.pdf"),
        ("C:\\Users\\x\\boleta 1.pdf", "boleta 1.pdf"),
        ("..", ""),
        (".bashrc", "bashrc"),
        ("a\u0000b<>.pdf", "ab__.pdf"),
        ("ñ" * 200 + ".pdf", "ñ" * 96 + ".pdf"),
        ("https://x/y.pdf?z", "y.pdf_z"),
        (None, ""),
    ],
)
def test_file_names_are_reduced_to_a_safe_base_name(name: object, expected: str) -> None:
    assert safe_filename(name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5\t12", "5 12"),
        ("5\r\n12\r9", "5\n12\n9"),
        ("\x1b[31m5", "5"),
        ("5\ud800", "5"),
        ("a" * 5000, "a" * 4096),
        ("👍🏽" * 2049, "👍🏽" * 2048),
        ("a" + "👍🏽" * 2048, "a" + "👍🏽" * 2047),
    ],
)
def test_text_loses_what_cannot_be_stored_and_keeps_numbers_apart(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("1790000000", 2026),
        (1790000000, 2026),
        ("no-num", None),
        (None, None),
        (True, None),
        ("-1", None),
        ("١٧٩٠٠٠٠٠٠٠", None),
        (1e9, None),
        ("9" * 12, None),
        (10**30, None),
    ],
)
def test_a_malformed_time_is_no_time(timestamp: object, expected: int | None) -> None:
    found = written(type="text", timestamp=timestamp).sent_at
    assert (found and found.year) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "button", "button": {"text": "Sí"}}, heard(MessageKind.TEXT, "Sí")),
        ({"type": "button", "button": []}, heard(MessageKind.OTHER)),
        ({"type": "image", "image": {"id": "../x"}}, heard(MessageKind.OTHER)),
        ({"type": "image", "image": {"caption": "c"}}, heard(MessageKind.OTHER, "c")),
        ({"type": "text", "text": "5"}, heard(MessageKind.OTHER)),
        ({"type": "interactive", "interactive": {"type": ["x"]}}, heard(MessageKind.OTHER)),
        ({"type": {"a": 1}}, heard(MessageKind.OTHER)),
    ],
)
def test_malformed_parts_are_read_as_far_as_possible(value: dict[str, Any], expected: IncomingMessage) -> None:
    assert written(**value).incoming == expected


def test_a_file_that_never_reached_meta_says_so() -> None:
    found = message("image_media_error_131052")
    assert (found.error_code, found.incoming.kind) == (131052, MessageKind.LOST)


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("image", 131052, MessageKind.LOST),
        ("document", 131052, MessageKind.LOST),
        ("image", 131053, MessageKind.MEDIA),
        ("image", None, MessageKind.MEDIA),
        ("unsupported", 131052, MessageKind.LOST),
        ("audio", 131052, MessageKind.VOICE),  # no proof, had it arrived
    ],
)
def test_a_file_is_lost_when_meta_says_so(kind: str, code: int | None, expected: MessageKind) -> None:
    errors = [] if code is None else [{"code": code}]
    assert written(type=kind, **{kind: {"id": "178"}}, errors=errors).incoming.kind is expected
    assert written(type=kind, **{kind: {}}, errors=errors).incoming.kind in (expected, MessageKind.OTHER)


@pytest.mark.parametrize("kind", ["image", "document", "unsupported"])
@pytest.mark.parametrize(
    "error",
    [
        {"title": "Media file size too big. Max file size we currently support: 100MB."},
        {"message": "Media is too large"},
        {"error_data": {"details": "El archivo pesa más de 100 MB."}},
    ],
)
def test_a_file_is_too_large_when_meta_says_so(kind: str, error: dict[str, Any]) -> None:
    errors = [{"code": 131052, **error}]
    assert written(type=kind, **{kind: {"id": "178"}}, errors=errors).incoming.kind is MessageKind.TOO_LARGE


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("system_user_changed_number", Identity(phone="50244443333")),
        ("system_user_changed_number_legacy_new_wa_id", Identity(phone="50244443333")),
        ("system_user_changed_user_id", Identity(user_id="GT.9900112233445599")),
        ("system_identity_changed", None),
        ("text", None),
    ],
)
def test_a_person_who_changes_number_or_id_stays_the_same_person(name: str, expected: Identity | None) -> None:
    assert message(name).becomes == expected


def test_a_status_says_what_happened_to_which_message() -> None:
    found = status("status_with_biz_opaque")
    assert (found.state, found.tag, found.recipient) == ("delivered", "out:01J8ZKQ4:1", LUCIA)
    assert found.message_id.startswith("wamid.")
    assert found.at == datetime(2026, 9, 21, 14, 13, 22, tzinfo=UTC)
    assert (found.error_code, found.error_details) == (None, "")


@pytest.mark.parametrize(
    ("name", "code", "details"),
    [
        ("status_failed_131026", 131026, "Message Undeliverable."),
        ("status_failed_131047", 131047, "Pasaron más de 24 horas desde la última respuesta"),
        ("status_failed_after_sent", 131026, "Message Undeliverable."),
        ("status_failed_no_errors", None, ""),
    ],
)
def test_a_failed_status_says_why_if_meta_does(name: str, code: int | None, details: str) -> None:
    found = status(name)
    assert (found.state, found.error_code, found.error_details) == ("failed", code, details)
    assert found.recipient
    assert found.recipient.phone == "50255501234"


@pytest.mark.parametrize(
    ("name", "field", "kind"),
    [
        ("account_update_violation", "account_update", "ACCOUNT_VIOLATION"),
        ("template_status_paused", "message_template_status_update", "PAUSED"),
        ("phone_number_quality_update", "phone_number_quality_update", "DOWNGRADE"),
        ("template_category_update", "template_category_update", ""),
        ("unknown_field", "teleport_updates", ""),
        ("value_errors_130429", "messages", ""),
    ],
)
def test_a_notice_has_its_field_and_event(name: str, field: str, kind: str) -> None:
    assert (other(name).field, other(name).kind) == (field, kind)


def test_notices_about_people_use_the_domains_words() -> None:
    [preference] = other("user_preferences_stop").preferences
    assert preference == Preference(
        person=LUCIA, stops=True, category="marketing_messages", at=datetime.fromtimestamp(1_790_000_000, UTC)
    )
    [renewal] = other("user_id_update").renewals
    assert renewal == Renewal(old=LUCIA, new=Identity(user_id="GT.9900112233445599", phone="50255501234"))
    assert other("value_errors_130429").error_code == 130429


@pytest.mark.parametrize("name", PAYLOADS)
def test_everything_that_is_read_can_be_stored(name: str) -> None:
    for update in taken_apart(name).updates:
        text = str(read(update))
        assert "\x00" not in text
        assert json.dumps(text).encode("ascii")
