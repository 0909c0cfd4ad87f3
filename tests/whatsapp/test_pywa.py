"""pywa, a client that others use with the real API, is content with our stand-in; and we say what it would say.

Where the two differ, the samples in `tests/data/graph` decide, and the difference is named below.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import httpx
import pytest
import uvicorn
from pywa import WhatsApp
from pywa.types import Button, Section, SectionList, SectionRow
from pywa.types.templates import BodyText, TemplateLanguage

from chalicelib.domain.messages import Choice, Identity
from chalicelib.whatsapp import messages
from chalicelib.whatsapp.messages import Section as OurSection
from chalicelib.whatsapp.messages import build_request
from tests.support.world import PNG
from whatsapp_sandbox.server import build
from whatsapp_sandbox.settings import Settings

Json = dict[str, Any]
NUMBER, TOKEN = "112233445566778", "local-access-token"
LUCIA = Identity(phone="50255501234")
NADIE = Identity(user_id="GT.7700112233445566")
TO = "+50255501234"
PICTURE = "1037543291543636"  # a file that Meta has


class Line(NamedTuple):
    """pywa, talking to the stand-in, and what went over the wire."""

    pywa: WhatsApp
    sent: list[httpx.Request]
    meta: httpx.Client

    def said(self) -> Json:
        """The last request to `/messages`."""
        assert self.sent[-1].url.path == f"/v26.0/{NUMBER}/messages"
        return cast("Json", json.loads(self.sent[-1].content))


async def nobody_listens(_raw: object, _headers: object) -> int:
    return 200


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. The port listens before the server does, so that nobody has to wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = build(Settings(state=tmp_path_factory.mktemp("phone")), send=nobody_listens)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=60)


@pytest.fixture
def line(stand_in: str) -> Iterator[Line]:
    sent: list[httpx.Request] = []
    with httpx.Client(trust_env=False) as session, httpx.Client(base_url=stand_in, trust_env=False) as meta:
        pywa = WhatsApp(NUMBER, TOKEN, session=session, api_version="26.0")
        session.base_url = f"{stand_in}/v26.0"  # pywa knows Meta's address alone
        session.event_hooks["request"] = [sent.append]
        assert meta.post("/stand-in/window", json={"contact": "lucia"}).is_success
        yield Line(pywa, sent, meta)


def as_meta_reads(request: Json) -> Json:
    """A request without what makes no difference to Meta."""
    plain = cast("Json", _plain(json.loads(json.dumps(request))))
    # False is what Meta takes for granted; pywa writes it out.
    if plain.get("text", {}).get("preview_url") is False:
        del plain["text"]["preview_url"]
    for component in plain.get("template", {}).get("components", ()):
        # pywa, whose templates do arrive, writes these words in capitals and the index as a number. We write them
        # in small letters and as a string, like Meta's documentation. Meta takes both.
        # https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
        component["type"] = component["type"].lower()
        if "sub_type" in component:
            component |= {"sub_type": component["sub_type"].lower(), "index": str(component["index"])}
    return plain


def _plain(part: Any) -> Any:
    """An object's keys have no order, as == knows, and an absent key is the same as null."""
    if isinstance(part, dict):
        return {key: _plain(value) for key, value in part.items() if value is not None}
    return [_plain(value) for value in part] if isinstance(part, list) else part


CHOICES = [Choice(id="confirm:r1", title="Confirmar"), Choice(id="cancel:r1", title="Cancelar")]
BUTTONS = [Button(title=choice.title, callback_data=choice.id) for choice in CHOICES]
ROWS = [Choice(id="raffle:1", title="Bicicleta", description="Q25"), Choice(id="raffle:2", title="Moto")]
LIST = SectionList("Ver", [Section("Rifas", [SectionRow(row.title, row.id, row.description or None) for row in ROWS])])
TEMPLATE = [BodyText.params(nombre="Lucía", numero="012")]
# The same content, said by pywa and by us.
SAME: dict[str, tuple[Callable[[WhatsApp], object], Callable[[], Json]]] = {
    "text": (
        lambda wa: wa.send_message(TO, "Apartamos el *012*"),
        lambda: build_request(messages.build_text("Apartamos el *012*"), LUCIA),
    ),
    "text with preview": (
        lambda wa: wa.send_message(TO, "https://rifas.example", preview_url=True),
        lambda: build_request(messages.build_text("https://rifas.example", preview_url=True), LUCIA),
    ),
    "text as a reply, with a tag": (
        lambda wa: wa.send_message(TO, "Listo ✅", reply_to_message_id="wamid.IN1", tracker="out:1"),
        lambda: build_request(messages.build_text("Listo ✅"), LUCIA, tag="out:1", reply_to="wamid.IN1"),
    ),
    "text to a user id": (
        lambda wa: wa.send_message(NADIE.user_id or "", "hola"),
        lambda: build_request(messages.build_text("hola"), NADIE),
    ),
    "buttons": (
        lambda wa: wa.send_message(TO, "¿Confirmas?", header="Rifa 7", footer="15 minutos", buttons=BUTTONS),
        lambda: build_request(
            messages.build_buttons("¿Confirmas?", CHOICES, header="Rifa 7", footer="15 minutos"), LUCIA
        ),
    ),
    "buttons under a picture": (
        lambda wa: wa.send_image(TO, PICTURE, caption="¿Confirmas?", buttons=BUTTONS),
        lambda: build_request(messages.build_buttons("¿Confirmas?", CHOICES, header_image=PICTURE), LUCIA),
    ),
    "list": (
        lambda wa: wa.send_message(TO, "¿Cuál?", buttons=LIST),
        lambda: build_request(
            messages.build_list("¿Cuál?", label="Ver", sections=[OurSection(title="Rifas", rows=ROWS)]), LUCIA
        ),
    ),
    "image by id": (
        lambda wa: wa.send_image(TO, PICTURE, caption="Tu boleto"),
        lambda: build_request(messages.build_image(PICTURE, caption="Tu boleto"), LUCIA),
    ),
    "template": (
        lambda wa: wa.send_template(TO, "ganador_rifa", TemplateLanguage("es"), TEMPLATE),
        lambda: build_request(
            messages.build_template("ganador_rifa", "es", {"nombre": "Lucía", "numero": "012"}), LUCIA
        ),
    ),
    "read": (
        lambda wa: wa.mark_message_as_read("wamid.IN1"),
        lambda: messages.build_read_receipt("wamid.IN1"),
    ),
    "read, and typing": (
        lambda wa: wa.indicate_typing("wamid.IN1"),
        lambda: messages.build_read_receipt("wamid.IN1", typing=True),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_sandbox_takes_what_pywa_sends_and_we_send_the_same(line: Line, name: str) -> None:
    by_pywa, ours = SAME[name]
    by_pywa(line.pywa)  # raises what the stand-in has to complain of
    assert as_meta_reads(line.said()) == as_meta_reads(ours())


@pytest.mark.parametrize("name", SAME)
def test_the_sandbox_takes_what_we_send(line: Line, name: str) -> None:
    _, ours = SAME[name]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = line.meta.post(f"/v26.0/{NUMBER}/messages", json=ours(), headers=headers)
    assert answer.status_code == 200, answer.text


def test_what_pywa_uploads_it_can_send_and_fetch_again(line: Line) -> None:
    media = line.pywa.upload_media(PNG, mime_type="image/png", filename="boleto.png")
    line.pywa.send_image(TO, media)
    assert line.said()["image"] == {"id": media.id}
    found = line.pywa.get_media_url(media.id)
    assert line.pywa.get_media_bytes(found.url) == PNG


def test_pywa_understands_the_sandboxs_refusals(line: Line) -> None:
    """The check is none where nothing is refused."""
    with pytest.raises(Exception, match=r"131009|100"):
        line.pywa.send_message(TO, "x" * 4097)
