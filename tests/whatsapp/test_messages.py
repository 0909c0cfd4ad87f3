"""What we say in Meta's forms, and what is refused before Meta would."""

import contextlib
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.messages import Choice, Identity, Reply
from chalicelib.whatsapp import messages
from chalicelib.whatsapp.limits import Unsendable, check
from chalicelib.whatsapp.messages import Section, build_request, render
from chalicelib.whatsapp.text import plain, shorten
from tests.support.whatsapp_samples import requests_named

LUCIA = Identity(phone="50255501234")
GOOD = {name: body for name, body in requests_named("*.json").items() if not name.startswith("BAD_")}
BAD = requests_named("BAD_*.json")
CHOICES = [Choice(id="confirm:r1", title="Confirmar"), Choice(id="cancel:r1", title="Cancelar")]
FULL_SECTIONS = [
    Section(
        title=f"{n}" + "S" * 23,
        rows=[Choice(id=f"{n}" + "r" * 199, title=f"{n}" + "t" * 23, description="d" * 72)],
    )
    for n in range(10)
]
MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "buttons_image_header": lambda: build_request(
        messages.build_buttons("¿Confirmas 005 y 012?", CHOICES, header_image="2762702990552401"), LUCIA
    ),
    "buttons_max": lambda: build_request(
        messages.build_buttons(
            "B" * 1024,
            [Choice(id=f"{n}" * 256, title=f"{n}" + "T" * 19) for n in range(3)],
            header="H" * 60,
            footer="F" * 60,
        ),
        LUCIA,
    ),
    "image_id": lambda: build_request(messages.build_image("1037543291543636", caption="Tu boleto"), LUCIA),
    "image_link": lambda: build_request(
        messages.build_image("https://cdn.example.invalid/boleto.png", caption="Tu boleto"), LUCIA
    ),
    "list_max": lambda: build_request(
        messages.build_list("B" * 1024, label="V" * 20, sections=FULL_SECTIONS, header="H" * 60, footer="F" * 60), LUCIA
    ),
    "mark_read": lambda: messages.build_read_receipt("wamid.IN1"),
    "mark_read_typing": lambda: messages.build_read_receipt("wamid.IN1", typing=True),
    "text": lambda: build_request(messages.build_text("Apartamos el *012* por 15 minutos.", preview_url=False), LUCIA),
    "text_max_4096": lambda: build_request(messages.build_text("x" * 4096), LUCIA),
    "text_reply_tracked": lambda: build_request(
        messages.build_text("Listo ✅"), LUCIA, tag="out:01J8ZK:1", reply_to="wamid.IN1"
    ),
    "text_to_bsuid": lambda: build_request(messages.build_text("hola"), Identity(user_id="GT.7700112233445566")),
}
# Forms that Meta takes and the product never sends. The sandbox takes them, for other clients.
NEVER_SENT = {
    "cta_url", "document_id", "flow_navigate", "location_request", "reaction", "reaction_remove",
    "template_named_header_image_button", "template_positional",
}  # fmt: skip


def test_every_good_sample_is_made_here_or_never_sent() -> None:
    assert set(GOOD) == MADE.keys() | NEVER_SENT


@pytest.mark.parametrize("name", MADE)
def test_each_request_that_we_make_is_as_meta_writes_it(name: str) -> None:
    assert MADE[name]() == GOOD[name]
    check(GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_requests_that_meta_refuses_are_refused_here(name: str) -> None:
    with pytest.raises(Unsendable):
        check(BAD[name])


def rows(count: int, **fields: str) -> list[Section]:
    return [Section(rows=[Choice(**{"id": str(n), "title": str(n), **fields}) for n in range(count)])]


def one(**fields: str) -> list[Choice]:
    return [Choice(**{"id": "1", "title": "1", **fields})]


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: messages.build_text(""), "text.body"),
        (lambda: messages.build_text(" \n"), "text.body"),
        (lambda: messages.build_text("x" * 4097), "text.body"),
        (lambda: messages.build_buttons("x" * 1025, one()), "interactive.body.text"),
        (lambda: messages.build_buttons("", one()), "interactive.body.text"),
        (lambda: messages.build_buttons("x", []), "interactive.action.buttons"),
        (lambda: messages.build_buttons("x", [*one(id="a"), *one(id="b")]), "interactive.action.buttons"),
        (lambda: messages.build_buttons("x", [*one(title="a"), *one(title="b")]), "interactive.action.buttons"),
        (lambda: messages.build_buttons("x", one(title="x" * 21)), "interactive.action.buttons.0.reply.title"),
        (lambda: messages.build_buttons("x", one(id="x" * 257)), "interactive.action.buttons.0.reply.id"),
        (lambda: messages.build_buttons("x", one(), header="x" * 61), "interactive.header.text"),
        (lambda: messages.build_buttons("x", one(), header="x", header_image="1"), "interactive.header"),
        (lambda: messages.build_buttons("x", one(), footer="x" * 61), "interactive.footer.text"),
        (lambda: messages.build_list("x", label="x" * 21, sections=rows(1)), "interactive.action.button"),
        (lambda: messages.build_list("x", label="", sections=rows(1)), "interactive.action.button"),
        (lambda: messages.build_list("x", label="V", sections=[]), "interactive.action.sections"),
        (lambda: messages.build_list("x", label="V", sections=rows(11)), "interactive.action.sections.0.rows"),
        (lambda: messages.build_list("x", label="V", sections=rows(2, id="a")), "interactive.action.sections"),
        (lambda: messages.build_list("x", label="V", sections=rows(1) * 2), "interactive.action.sections.0.title"),
        (
            lambda: messages.build_list("x", label="V", sections=rows(1, id="x" * 201)),
            "interactive.action.sections.0.rows.0.id",
        ),
        (
            lambda: messages.build_list("x", label="V", sections=rows(1, description="x" * 73)),
            "interactive.action.sections.0.rows.0.description",
        ),
        (
            lambda: messages.build_list("x", label="V", sections=[Section(title="x" * 25, rows=one())]),
            "interactive.action.sections.0.title",
        ),
        (lambda: messages.build_image(""), "image.id"),
        (lambda: messages.build_image("ftp://x"), "image.link"),
        (lambda: messages.build_image("1", caption="x" * 1025), "image.caption"),
        (lambda: messages.build_template("Upper", "es", {}), "template.name"),
        (lambda: messages.build_template("a", "Spanish", {}), "template.language.code"),
        (lambda: messages.build_template("a", "es", {"n": ""}), "template.components.0.parameters.0.text"),
        (lambda: messages.build_template("a", "es", {"n": "a\nb"}), "template.components.0.parameters.0.text"),
        (lambda: messages.build_read_receipt(""), "message_id"),
        (lambda: build_request(messages.build_text("x"), LUCIA, tag="x" * 513), "biz_opaque_callback_data"),
        (lambda: build_request(messages.build_text("x"), LUCIA, reply_to=""), "context.message_id"),
        (lambda: build_request(messages.build_text("x"), Identity(phone="+502 5550")), "to"),
        (lambda: build_request(messages.build_text("x"), Identity(user_id="somebody")), "recipient"),
        (lambda: build_request({"type": "hologram", "hologram": {}}, LUCIA), "type"),
        (lambda: render(Reply(text="x" * 4097)), "text.body"),
        (lambda: render(Reply(text="x" * 1025, buttons=one())), "interactive.body.text"),
        (lambda: render(Reply(text="x", buttons=one() * 4)), "interactive.action.buttons"),
        (lambda: render(Reply(text="x", rows=one(), buttons=one())), "reply"),
        (lambda: render(Reply(text="x", rows=rows(11)[0].rows, list_label="V")), "interactive.action.sections.0.rows"),
    ],
)
def test_a_refusal_names_the_field(build: Callable[[], object], field: str) -> None:
    with pytest.raises(Unsendable) as refusal:
        build()
    assert refusal.value.field == field
    assert refusal.value.limit
    assert refusal.value.given


def test_a_refusal_tells_limit_and_length_but_no_text() -> None:
    with pytest.raises(Unsendable, match=r"^text\.body: 1–4096 characters, given 4097 characters$"):
        messages.build_text("secreto" + "x" * 4090)


@pytest.mark.parametrize("request_", [{}, {"messaging_product": "whatsapp"}, {"messaging_product": 1}])
def test_a_request_without_its_parts_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(Unsendable):
        check(request_)


def test_text_alone_becomes_text() -> None:
    assert render(Reply(text="hola")) == {"type": "text", "text": {"body": "hola"}}


def test_choices_become_buttons_with_titles_that_fit() -> None:
    said = Reply(text="¿Cuál?", buttons=[Choice(id="1", title="Rifa de la moto Honda"), Choice(id="2", title="No")])
    replies = render(said)["interactive"]["action"]["buttons"]
    assert [reply["reply"]["title"] for reply in replies] == ["Rifa de la moto Hon…", "No"]


def test_buttons_alike_up_to_the_cut_still_differ() -> None:
    titles = ["Rifa de la moto Honda roja", "Rifa de la moto Honda azul", "Rifa de la moto Honda gris"]
    said = Reply(text="x", buttons=[Choice(id=str(n), title=title) for n, title in enumerate(titles)])
    replies = render(said)["interactive"]["action"]["buttons"]
    assert [reply["reply"]["title"] for reply in replies] == [
        "Rifa de la moto Hon…",
        "Rifa de la moto… 2",
        "Rifa de la moto… 3",
    ]


def test_rows_become_a_list_that_fits() -> None:
    row = Choice(id="raffle:1", title="x" * 30, description="y" * 80)
    action = render(Reply(text="¿Cuál?", rows=[row], list_label="Ver todas las rifas activas"))["interactive"]["action"]
    assert action == {
        "button": "Ver todas las rifas…",
        "sections": [{"rows": [{"id": "raffle:1", "title": "x" * 23 + "…", "description": "y" * 71 + "…"}]}],
    }


def test_a_person_with_phone_and_user_id_is_written_to_by_phone() -> None:
    request = build_request(messages.build_text("x"), Identity(phone="5215512345678", user_id="MX.11"))
    assert request["to"] == "+5215512345678"
    assert "recipient" not in request


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("ab cd", 4, "ab…"),
        ("ae\u0301bc", 4, "ae\u0301…"),
        ("ae\u0301bc", 3, "a…"),
        ("a👨‍👩‍👧‍👦b", 6, "a…"),
        ("👍🏽👍🏽", 3, "👍🏽…"),
        ("👍🏽👍🏽", 2, "…"),
        ("🇬🇹🇬🇹🇬🇹", 4, "🇬🇹…"),
        ("7️⃣8", 3, "…"),
        ("क्षक", 3, "…"),
        ("ab\u0e01\u0e33c", 4, "ab…"),  # Thai: its vowel is a letter to Unicode
        ("a\u1112\u1161\u11abb", 4, "a…"),  # Hangul in parts
        ("a\u06dd1b", 3, "a…"),  # an Arabic sign that stands before its number
        ("a" + "\u0301" * 500, 300, "a" + "\u0301" * 298 + "…"),  # nobody can read that, so it may be cut
    ],
)
def test_no_grapheme_is_split(text: str, limit: int, expected: str) -> None:
    assert shorten(text, limit) == expected


@given(st.text(), st.integers(min_value=1, max_value=80))
def test_a_cut_text_fits_and_starts_like_the_whole(text: str, limit: int) -> None:
    cut = shorten(text, limit)
    assert len(cut) <= limit
    assert text.startswith(cut.removesuffix("…"))


@given(st.text(alphabet="ab\u0301\u200d*_~`> \n1👍🏽🇬🇹", max_size=40), st.integers(min_value=1, max_value=30))
def test_a_cut_never_separates_a_combining_mark(text: str, limit: int) -> None:
    cut = shorten(text, limit, mark="")
    rest = text[len(cut) :].lstrip()
    if cut and rest and text[len(cut) :] == rest:
        assert unicodedata.category(rest[0]) not in ("Mn", "Me", "Mc", "Cf")


@given(st.text())
def test_a_plain_name_cannot_change_the_formatting(name: str) -> None:
    assert not set("*_~`>\n") & set(plain(name))
    assert plain(plain(name)) == plain(name)


def test_a_plain_name_is_still_that_name() -> None:
    assert plain("*Ana* María_1") == "∗Ana∗ Maríaˍ1"
    assert plain("José Núñez-López") == "José Núñez-López"


NAMES = st.sampled_from(
    [
        "body",
        "text",
        "type",
        "action",
        "buttons",
        "sections",
        "rows",
        "components",
        "parameters",
        "name",
        "language",
        "code",
        "id",
        "link",
        "header",
        "emoji",
        "message_id",
        "button",
        "list",
        "image",
    ]
)
PARTS = st.recursive(
    st.none() | st.text(max_size=3) | st.integers() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
)


@given(PARTS, st.sampled_from(["text", "interactive", "template", "image"]))
def test_any_request_is_either_accepted_or_unsendable(part: Any, kind: str) -> None:
    forms: dict[str, Any] = {"interactive": {"type": "list"}, "template": {"name": "a", "language": {"code": "es"}}}
    content = {**part, **forms.get(kind, {})} if isinstance(part, dict) else part
    with contextlib.suppress(Unsendable):
        check({"messaging_product": "whatsapp", "to": "+50255501234", "type": kind, kind: content})
