"""The sandbox refuses what Meta refuses, answers as Meta answers, and sends what Meta sends."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import queue
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from httpx import Response
from starlette.testclient import TestClient

from chalicelib.whatsapp.templates import DEFINITIONS
from whatsapp_sandbox import webhooks
from whatsapp_sandbox.graph_api import ConnectionDropped
from whatsapp_sandbox.media_rules import image_problem
from whatsapp_sandbox.multipart_form import read_form
from whatsapp_sandbox.scripted_answers import RESPONSES
from whatsapp_sandbox.server import build
from whatsapp_sandbox.settings import InvalidSetting, Settings, from_environment
from whatsapp_sandbox.webhook_sender import Unreachable

Json = dict[str, Any]

DATA = Path(__file__).parent.parent / "data"
REQUESTS = {path.stem: path for path in (DATA / "graph" / "requests").glob("*.json")}
GOOD = sorted(name for name in REQUESTS if not name.startswith("BAD_"))
BAD = sorted(name for name in REQUESTS if name.startswith("BAD_"))

SEND = "/v26.0/112233445566778/messages"
UPLOAD = "/v26.0/112233445566778/media"
TOKEN = {"Authorization": "Bearer local-access-token"}
LUCIA = "+50255501234"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IHDR" + bytes(8) + b"\x08\x06" + bytes(3) + b"\r\n--not the end\r\n"


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Product:
    """Receives the webhooks. Answers with `codes` in turn, then with 200. None means that nobody is there."""

    codes: list[int | None] = field(default_factory=list)
    arrived: queue.Queue[tuple[bytes, Mapping[str, str]]] = field(default_factory=queue.Queue)

    async def __call__(self, raw: bytes, headers: Mapping[str, str]) -> int:
        code = self.codes.pop(0) if self.codes else 200
        if code is None:
            raise Unreachable("nobody is there")
        if code == 200:
            self.arrived.put((raw, headers))
        return code

    def next(self) -> Json:
        """Return the value of the next webhook."""
        raw, _ = self.arrived.get(timeout=60)
        return cast("Json", json.loads(raw)["entry"][0]["changes"][0]["value"])

    def statuses(self, count: int) -> list[Json]:
        return [self.next()["statuses"][0] for _ in range(count)]


async def no_pause(_seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def product() -> Product:
    return Product()


@pytest.fixture
def start(tmp_path: Path, clock: Clock, product: Product) -> Callable[[], TestClient]:
    """Start the server, again on the same state if called twice."""

    def client() -> TestClient:
        return TestClient(build(Settings(state=tmp_path), clock=clock, send=product, pause=no_pause))

    return client


@pytest.fixture
def graph(start: Callable[[], TestClient]) -> Iterator[TestClient]:
    """A running sandbox in which everybody's window is open."""
    with start() as client:
        for contact in ("lucia", "marco", "ana", "organiser"):
            client.post("/stand-in/window", json={"contact": contact})
        yield client


def request(name: str) -> Json:
    return cast("Json", json.loads(REQUESTS[name].read_text("utf-8")))


def post(client: TestClient, body: object, headers: Mapping[str, str] = TOKEN) -> Response:
    answer: Response = client.post(SEND, json=body, headers=dict(headers))
    return answer


def text(body: str = "hola", **more: Any) -> Json:
    return {"messaging_product": "whatsapp", "to": LUCIA, "type": "text", "text": {"body": body}} | more


def interactive(**content: Any) -> Json:
    body = {"body": {"text": "x"}} | content
    return {"messaging_product": "whatsapp", "to": LUCIA, "type": "interactive", "interactive": body}


def buttons(*pairs: tuple[str, str]) -> Json:
    return {"buttons": [{"type": "reply", "reply": {"id": id_, "title": title}} for id_, title in pairs]}


def error(answer: Response) -> Json:
    """Return the error of a response after checking its shape."""
    error_object = cast("Json", answer.json()["error"])
    assert {"message", "type", "code", "fbtrace_id"} <= set(error_object)
    return error_object


def accepted(client: TestClient, contact: str | None = None) -> list[Json]:
    response = client.get("/stand-in/messages", params={"contact": contact} if contact else {})
    return cast("list[Json]", response.json()["messages"])


# What is accepted and what is refused


def test_the_samples_are_there() -> None:
    assert len(GOOD) > 15
    assert len(BAD) > 8


@pytest.mark.parametrize("name", GOOD)
def test_every_good_sample_is_accepted(graph: TestClient, name: str) -> None:
    answer = post(graph, request(name))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", BAD)
def test_every_bad_sample_is_refused_as_meta_does(graph: TestClient, name: str) -> None:
    answer = post(graph, request(name))
    assert answer.status_code == 400
    refusal = error(answer)
    assert refusal["type"] == "OAuthException"
    assert refusal["code"] in {100, 131008, 131009}
    assert refusal["message"].startswith(f"(#{refusal['code']}) ")
    assert refusal["error_data"]["messaging_product"] == "whatsapp"
    assert refusal["error_data"]["details"]
    assert accepted(graph) == []


def list_of(**row: str) -> Json:
    return {"type": "list", "action": {"button": "V", "sections": [{"rows": [{"id": "i", "title": "t"} | row]}]}}


def link(title: str, url: str) -> Json:
    return {"type": "cta_url", "action": {"name": "cta_url", "parameters": {"display_text": title, "url": url}}}


def image(**content: str) -> Json:
    return {"messaging_product": "whatsapp", "to": LUCIA, "type": "image", "image": content}


LIMITS = [
    ({"type": "button", "action": buttons(("a", "Sí"), ("b", "Sí"))}, "title must be unique"),
    ({"type": "button", "action": buttons(("a", "Sí"), ("a", "No"))}, "id must be unique"),
    ({"type": "button", "action": buttons(("a" * 257, "Sí"))}, "reply.id length"),
    ({"type": "button", "action": buttons(("a", ""))}, "reply.title length"),
    ({"type": "button", "action": {"buttons": []}}, "buttons: invalid count"),
    ({"type": "button", "action": buttons(("a", "Sí")), "body": {"text": "x" * 1025}}, "body.text length"),
    ({"type": "button", "action": buttons(("a", "Sí")), "footer": {"text": "x" * 61}}, "footer.text length"),
    ({"type": "button", "action": buttons(("a", "Sí")), "header": {"type": "text", "text": "x" * 61}}, "header.text"),
    ({"type": "list", "action": {"button": "V" * 21, "sections": []}}, "action.button length"),
    ({"type": "list", "action": {"button": "V", "sections": []}}, "row count"),
    ({"type": "list", "action": {"button": "V", "sections": [{"title": "s" * 25, "rows": []}]}}, "sections[0].title"),
    (list_of(id="i" * 201), "].id"),
    (list_of(description="d" * 73), "description length"),
    (link("x" * 21, "https://x"), "display_text"),
    (link("x", "ftp://x"), "url"),
    (
        {"type": "flow", "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_cta": "x"}}},
        "flow_id",
    ),
    ({"type": "location_request_message", "action": {"name": "wrong"}}, "action.name"),
    ({"type": "dance", "action": {}}, "interactive.type"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "details"), LIMITS)
def test_the_limits_of_interactive_messages(graph: TestClient, content: Json, details: str) -> None:
    refusal = error(post(graph, interactive(**content)))
    assert details in refusal["error_data"]["details"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], 100),
        ("text", 100),
        (text(messaging_product="telegram"), 100),
        (text(to="50255501234"), 131009),
        (text(to="+502 5550 1234"), 131009),
        (text(to=None, recipient="nobody"), 131009),
        (text(to="+50223110099"), 131021),
        (text(type="dance"), 131009),
        (text(text=None), 131008),
        (text(text="hola"), 131009),
        (text(biz_opaque_callback_data="x" * 513), 131009),
        (text(recipient_type="crowd"), 131009),
        (image(), 131008),
        (image(id="1", link="https://x"), 131009),
        (image(id="1", caption="x" * 1025), 131009),
        (text(type="template", template={"name": "a"}), 131008),
        (text(type="reaction", reaction={"message_id": "wamid.1"}), 131008),
        ({"messaging_product": "whatsapp", "status": "read"}, 131008),
        ({"messaging_product": "whatsapp", "status": "seen", "message_id": "wamid.1"}, 131009),
    ],
)  # fmt: skip
def test_other_refusals(graph: TestClient, body: object, code: int) -> None:
    assert error(post(graph, body))["code"] == code


def test_a_body_that_is_not_json_is_refused(graph: TestClient) -> None:
    assert error(graph.post(SEND, content=b"\xff{", headers=TOKEN))["code"] == 100


def test_without_the_right_token_nothing_is_done(graph: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Token local-access-token"}):
        answer = post(graph, text(), headers)
        assert (answer.status_code, error(answer)["code"]) == (401, 190)
    assert accepted(graph) == []


def test_paths_that_meta_does_not_have(graph: TestClient) -> None:
    wrong_version = graph.post("/26/112233445566778/messages", json=text(), headers=TOKEN)
    assert (wrong_version.status_code, error(wrong_version)["code"]) == (400, 2500)
    wrong_number = error(graph.post("/v26.0/999/messages", json=text(), headers=TOKEN))
    assert (wrong_number["code"], wrong_number["error_subcode"]) == (100, 33)


# What is answered


def recorded(name: str) -> Json:
    return cast("Json", json.loads((RESPONSES / f"{name}.json").read_text("utf-8")))


@pytest.mark.parametrize(
    ("sample", "like"),
    [
        ("text", "ok_text"),
        ("text_to_bsuid", "ok_bsuid"),
        ("template_positional", "ok_template_accepted"),
        ("mark_read", "ok_read"),
    ],
)
def test_success_looks_like_metas(graph: TestClient, sample: str, like: str) -> None:
    answer = post(graph, request(sample)).json()
    expected = recorded(like)["body"]
    if "messages" in answer:
        assert answer["messages"][0]["id"].startswith("wamid.")
        answer["messages"][0]["id"] = expected["messages"][0]["id"]
    assert answer == expected


def test_to_wins_over_recipient(graph: TestClient) -> None:
    answer = post(graph, text(recipient="GT.8800223344556677")).json()
    assert answer["contacts"] == [{"input": LUCIA, "wa_id": "50255501234"}]
    assert [message["contact"] for message in accepted(graph)] == ["lucia"]


def test_phone_and_bsuid_lead_to_the_same_chat(graph: TestClient) -> None:
    post(graph, text("one"))
    post(graph, text("two", to=None, recipient="GT.7700112233445566"))
    messages = accepted(graph, LUCIA)
    assert [message["request"]["text"]["body"] for message in messages] == ["one", "two"]
    for name in ("lucia", "50255501234", "GT.7700112233445566"):
        assert accepted(graph, name) == messages


def test_strangers_are_accepted_and_kept(graph: TestClient) -> None:
    assert post(graph, text(to="+5215512345678")).status_code == 200
    assert len(accepted(graph, "+5215512345678")) == 1
    assert "5215512345678" in [contact["id"] for contact in graph.get("/phone/contacts").json()["contacts"]]


def test_outside_the_window_only_templates_are_accepted(graph: TestClient, clock: Clock) -> None:
    clock.now += 24 * 3600
    answer = post(graph, text())
    assert (answer.status_code, error(answer)["code"]) == (400, 131047)
    assert post(graph, request("template_positional")).status_code == 200
    graph.post("/phone/contacts/lucia/messages", json={"text": "hola"})
    assert post(graph, text()).status_code == 200


# Scripted answers


def script(client: TestClient, **answer: Any) -> Response:
    response: Response = client.post("/stand-in/answer", json=answer)
    return response


@pytest.mark.parametrize("name", sorted(path.stem for path in RESPONSES.glob("err_*.json")))
def test_every_recorded_error_can_be_scripted(graph: TestClient, name: str) -> None:
    script(graph, response=name)
    answer = post(graph, text())
    expected = recorded(name)
    assert answer.status_code == expected["http_status"]
    assert answer.headers.items() >= {key.lower(): value for key, value in expected["headers"].items()}.items()
    if "body" in expected:
        assert answer.json() == expected["body"]
    else:
        assert answer.text == expected["body_text"]
    assert accepted(graph) == []


def test_scripted_answers_count_down(graph: TestClient) -> None:
    script(graph, response="err_131056_pair.json", times=2)
    assert post(graph, request("mark_read")).status_code == 200  # the script is about sending
    assert [post(graph, text()).status_code for _ in range(3)] == [400, 400, 200]
    script(graph, response="err_2_transient", times=9)
    assert graph.get("/stand-in/answer").json()["told"][0]["times"] == 9
    assert graph.delete("/stand-in/answer").status_code == 204
    assert post(graph, text()).status_code == 200


def test_a_bad_request_does_not_use_up_a_scripted_answer(graph: TestClient) -> None:
    script(graph, response="err_2_transient")
    assert error(post(graph, text("")))["code"] == 100
    assert post(graph, text()).status_code == 503


def test_an_answer_can_be_lost_although_the_message_is_accepted(graph: TestClient) -> None:
    script(graph, response="err_html_502", accept=True)
    assert post(graph, text()).status_code == 502
    assert len(accepted(graph)) == 1


def test_a_connection_that_breaks(graph: TestClient) -> None:
    script(graph, drop_connection=True)
    with pytest.raises(ConnectionDropped):  # there is no real connection here to break
        post(graph, text())
    assert accepted(graph) == []
    assert post(graph, text()).status_code == 200


def test_a_scripted_delay_answers_late(graph: TestClient) -> None:
    script(graph, hang_seconds=0.01)
    assert post(graph, text()).status_code == 200


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"response": "no_such"}, {"response": "ok_text", "times": 0}, {"hang_seconds": -1}, {"reply": "x"}],
)
def test_scripts_that_make_no_sense(graph: TestClient, answer: object) -> None:
    assert graph.post("/stand-in/answer", json=answer).status_code == 422


# Media


def upload(client: TestClient, content: bytes = PNG, mime_type: str = "image/png") -> Response:
    form = {"messaging_product": "whatsapp", "type": mime_type}
    files = {"file": ("día 1.png", content, mime_type)}
    answer: Response = client.post(UPLOAD, data=form, files=files, headers=TOKEN)
    return answer


def test_media_go_up_and_come_down_in_two_steps(graph: TestClient, clock: Clock) -> None:
    media_id = upload(graph).json()["id"]
    media = graph.get(f"/v26.0/{media_id}?phone_number_id=112233445566778", headers=TOKEN).json()
    assert set(media) == set(recorded("ok_media_lookup")["body"])
    assert (media["mime_type"], media["file_size"]) == ("image/png", str(len(PNG)))
    assert media["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert graph.get(media["url"]).status_code == 401
    assert graph.get(media["url"], headers=TOKEN).content == PNG
    clock.now += 300
    expired = graph.get(media["url"], headers=TOKEN)
    assert (expired.status_code, expired.content) == (404, b"")
    again = graph.get(f"/v26.0/{media_id}", headers=TOKEN).json()
    assert graph.get(again["url"], headers=TOKEN).content == PNG


def test_media_that_do_not_exist(graph: TestClient) -> None:
    assert error(graph.get("/v26.0/123", headers=TOKEN))["error_subcode"] == 33
    assert graph.get("/v26.0/123").status_code == 401
    assert graph.get("/media-bytes/abc", headers=TOKEN).status_code == 404


def test_the_number_is_shown_to_clients_with_the_token(graph: TestClient) -> None:
    number = f"/v26.0/{webhooks.OUR_BUSINESS.phone_number_id}"
    description = graph.get(f"{number}?fields=display_phone_number", headers=TOKEN).json()
    assert description == {
        "display_phone_number": webhooks.OUR_BUSINESS.display_number,
        "id": webhooks.OUR_BUSINESS.phone_number_id,
    }
    assert error(graph.get(number, headers={"Authorization": "Bearer another"}))["code"] == 190


def test_uploads_that_meta_refuses(graph: TestClient) -> None:
    assert error(upload(graph, mime_type="application/zip"))["code"] == 131053
    assert error(graph.post(UPLOAD, content=b"x", headers=TOKEN))["code"] == 100
    assert error(graph.post(UPLOAD, files={"file": ("a.png", PNG, "image/png")}, headers=TOKEN))["code"] == 100


def test_an_image_must_be_one_that_meta_can_show(graph: TestClient) -> None:
    palette = PNG.replace(b"\x08\x06", b"\x08\x03")
    for content, mime_type in ((PNG, "image/webp"), (palette, "image/png"), (b"GIF", "image/jpeg")):
        media_id = upload(graph, content, mime_type).json()["id"]
        assert error(post(graph, image(id=media_id)))["code"] == 131053
    assert image_problem("image/png", PNG + bytes(5 * 1024 * 1024))
    assert image_problem("image/jpeg", b"\xff\xd8\xff\xe0") is None


def test_a_form_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="no end"):
        read_form("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1')


# Webhooks


@pytest.mark.parametrize(
    "vector", json.loads((DATA / "signature_vectors.json").read_text("utf-8")), ids=lambda v: v["name"]
)
def test_signatures_are_metas(vector: Json) -> None:
    raw = base64.b64decode(vector["raw_body_base64"])
    assert webhooks.sign(raw, vector["app_secret"]) == vector["x_hub_signature_256"]


def test_bodies_are_escaped_as_meta_does() -> None:
    raw = webhooks.encode({"a": "ä/@ \\/"})
    assert raw == b'{"a":"\\u00e4\\/\\u0040 \\\\\\/"}'
    assert json.loads(raw) == {"a": "ä/@ \\/"}


PERSON = webhooks.Person(name="Lucía Pérez", phone=LUCIA, user_id="GT.7700112233445566")
SAMPLES: dict[str, Callable[[Json], Json]] = {
    "text": lambda m: webhooks.text_message(PERSON, m["text"]["body"], message_id=m["id"], at=int(m["timestamp"])),
    "interactive_button_reply": lambda m: webhooks.button_reply(
        PERSON, button_id="confirm:res_01J8ZK", title="Confirmar",
        message_id=m["id"], at=1790000000, reply_to=m["context"]["id"],
    ),
    "interactive_list_reply": lambda m: webhooks.list_reply(
        PERSON, row_id="num:012", title="Número 12", description="Disponible · Q25",
        message_id=m["id"], at=1790000000, reply_to=m["context"]["id"],
    ),
    "button_template_quick_reply": lambda m: webhooks.template_button(
        PERSON, payload="RIFA:7:COMPRAR", text="Quiero número",
        message_id=m["id"], at=1790000000, reply_to=m["context"]["id"],
    ),
    "location_current": lambda m: webhooks.location(PERSON, 14.634915, -90.506882, message_id=m["id"], at=1790000000),
    "bsuid_without_phone": lambda m: webhooks.text_message(
        webhooks.Person(name="Lucía", user_id="GT.7700112233445566", username="@lucia.rifas"),
        "quiero el 7", message_id=m["id"], at=1790000000,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_forms_equal_the_recorded_bodies(name: str) -> None:
    sample = json.loads((DATA / "payloads" / f"{name}.json").read_text("utf-8"))
    inbound = sample["entry"][0]["changes"][0]["value"]["messages"][0]
    assert SAMPLES[name](inbound) == sample


def test_files_have_the_form_of_the_recorded_bodies() -> None:
    file = webhooks.File(media_id="1", mime_type="application/pdf", sha256="x=", caption="c", filename="f.pdf")
    for make, kind in ((webhooks.image, "image"), (webhooks.document, "document")):
        body = make(PERSON, file, message_id="wamid.1", at=1.5)
        content = body["entry"][0]["changes"][0]["value"]["messages"][0][kind]
        assert set(content) == {"mime_type", "sha256", "id", "caption"} | (
            {"filename"} if kind == "document" else set()
        )


def test_a_failed_status_has_no_contacts() -> None:
    value = webhooks.status(PERSON, "wamid.1", "failed", at=1, errors=((131026, "Message undeliverable"),))
    assert "contacts" not in value["entry"][0]["changes"][0]["value"]


def test_each_accepted_message_is_reported_sent_delivered_and_read(graph: TestClient, product: Product) -> None:
    message_id = post(graph, request("text_reply_tracked")).json()["messages"][0]["id"]
    first = product.statuses(2)
    graph.post("/phone/contacts/lucia/read")
    graph.post("/phone/contacts/lucia/read")  # looking twice reports once
    statuses = first + product.statuses(1)
    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    assert {status["id"] for status in statuses} == {message_id}
    assert {status["biz_opaque_callback_data"] for status in statuses} == {"out:01J8ZK:1"}
    assert {status["recipient_id"] for status in statuses} == {"50255501234"}
    assert product.arrived.empty()


def test_a_message_may_fail_after_all(graph: TestClient, product: Product) -> None:
    message_id = post(graph, text()).json()["messages"][0]["id"]
    product.statuses(2)
    graph.post("/stand-in/fail", json={"message_id": message_id, "code": 131026})
    assert product.statuses(1)[0]["errors"][0]["code"] == 131026


def test_a_persons_message_arrives_signed(graph: TestClient, product: Product) -> None:
    graph.post("/phone/contacts/ana/messages", json={"text": "¿Cuánto cuesta? a@b.c/d"})
    raw, headers = product.arrived.get(timeout=60)
    assert headers["X-Hub-Signature-256"] == webhooks.sign(raw, "local-app-secret")
    assert b"\\u0040" in raw
    value = json.loads(raw)["entry"][0]["changes"][0]["value"]
    assert value["contacts"][0]["user_id"] == value["messages"][0]["from_user_id"] == "GT.8800223344556677"
    assert "wa_id" not in value["contacts"][0]
    assert "from" not in value["messages"][0]


def test_a_product_that_is_down_or_refuses_loses_nothing(graph: TestClient, product: Product) -> None:
    product.codes = [None, 503, 202, 204, 401, None]
    for word in ("uno", "dos", "tres"):
        graph.post("/phone/contacts/lucia/messages", json={"text": word})
    texts = [product.next()["messages"][0]["text"]["body"] for _ in range(3)]
    assert texts == ["uno", "dos", "tres"]


def test_after_minutes_without_the_product_a_message_fails_and_can_be_sent_again(
    graph: TestClient, product: Product, clock: Clock
) -> None:
    class Unending(list[int | None]):
        def pop(self, _index: object = 0) -> None:
            clock.now += 200

        def __bool__(self) -> bool:
            return True

    product.codes = Unending()
    sent = graph.post("/phone/contacts/lucia/messages", json={"text": "hola"}).json()
    polls = (chat(graph, "lucia")[0] for _ in range(1000))
    failed = next(message for message in polls if message["status"] != "waiting")
    assert (failed["status"], failed["note"]) == ("failed", "nobody is there")
    product.codes = []
    assert graph.post(f"/phone/messages/{sent['id']}/again").status_code == 200
    assert product.next()["messages"][0]["id"] == sent["id"]
    assert graph.post(f"/phone/messages/{sent['id']}/again").status_code == 422


def chat(client: TestClient, contact: str) -> list[Json]:
    return cast("list[Json]", client.get(f"/phone/contacts/{contact}/messages").json()["messages"])


def test_taps_send_what_the_message_offered_and_nothing_else(graph: TestClient, product: Product) -> None:
    message_id = post(graph, request("buttons_image_header")).json()["messages"][0]["id"]
    product.statuses(2)
    tap = {"choice": "confirm:r1", "reply_to": message_id}
    for _ in range(2):  # people do tap twice
        assert graph.post("/phone/contacts/lucia/messages", json=tap).status_code == 201
        inbound = product.next()["messages"][0]
        assert inbound["interactive"] == {
            "type": "button_reply",
            "button_reply": {"id": "confirm:r1", "title": "Confirmar"},
        }
        assert inbound["context"]["id"] == message_id
    assert graph.post("/phone/contacts/lucia/messages", json=tap | {"choice": "x"}).status_code == 422
    assert graph.post("/phone/contacts/marco/messages", json=tap).status_code == 422


def test_an_attachment_is_fetched_with_the_checksum_of_its_webhook(graph: TestClient, product: Product) -> None:
    query = {"filename": "r.png", "caption": "Pagado"}
    graph.post("/phone/contacts/lucia/attachments", params=query, content=PNG, headers={"Content-Type": "image/png"})
    sent = product.next()["messages"][0]["image"]
    assert sent["caption"] == "Pagado"
    assert base64.b64decode(sent["sha256"]) == hashlib.sha256(PNG).digest()
    media = graph.get(f"/v26.0/{sent['id']}", headers=TOKEN).json()
    assert graph.get(media["url"], headers=TOKEN).content == PNG


def test_reading_turns_ticks_blue_and_typing_ends_with_the_answer(graph: TestClient, product: Product) -> None:
    graph.post("/phone/contacts/lucia/messages", json={"text": "uno"})
    graph.post("/phone/contacts/lucia/messages", json={"text": "dos"})
    message_id = [product.next()["messages"][0]["id"] for _ in range(2)][1]
    post(graph, request("mark_read_typing") | {"message_id": message_id})
    assert {message["status"] for message in chat(graph, "lucia")} == {"read"}
    lucia = graph.get("/phone/contacts").json()["contacts"][0]
    assert lucia["typing"] == 25
    post(graph, text())
    assert graph.get("/phone/contacts").json()["contacts"][0]["typing"] == 0


# State


def test_a_restart_keeps_chats_windows_files_and_waiting_webhooks(
    start: Callable[[], TestClient], product: Product, clock: Clock
) -> None:
    with start() as client:
        client.post("/stand-in/window", json={"contact": "lucia"})
        media_id = upload(client).json()["id"]
        post(client, text("antes"))
        product.statuses(2)
        product.codes = [None] * 1000
        client.post("/phone/contacts/lucia/messages", json={"text": "mientras"})
    product.codes = []
    with start() as client:
        assert product.next()["messages"][0]["text"]["body"] == "mientras"
        assert [message["content"]["body"] for message in chat(client, "lucia")] == ["antes", "mientras"]
        assert post(client, text("después")).status_code == 200
        assert client.get(f"/v26.0/{media_id}", headers=TOKEN).status_code == 200


def test_a_reset_forgets_everything(graph: TestClient) -> None:
    media_id = upload(graph).json()["id"]
    post(graph, text())
    script(graph, response="err_2_transient")
    assert graph.post("/stand-in/reset").status_code == 204
    assert accepted(graph) == []
    assert graph.get("/stand-in/answer").json()["told"] == []
    assert graph.get(f"/v26.0/{media_id}", headers=TOKEN).status_code == 400
    assert graph.get("/stand-in/health").json()["status"] == "ok"


def test_the_page_loads_nothing_from_other_hosts(graph: TestClient) -> None:
    page = graph.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("http://www.w3.org", "")
    assert graph.get("/phone/static/main.js").status_code == 200


# Settings


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    settings = from_environment({"WHATSAPP_ORGANISERS": "+502 5555-0001, +50255550002"}, tmp_path)
    assert settings.organisers == ("+50255550001", "+50255550002")
    assert settings.access_token == "local-access-token"
    with pytest.raises(InvalidSetting, match="WHATSAPP_ORGANISERS"):
        from_environment({"WHATSAPP_ORGANISERS": "55550001"}, tmp_path)
    with pytest.raises(InvalidSetting, match="TOMBOLA_WEBHOOK_URL"):
        from_environment({"TOMBOLA_WEBHOOK_URL": "localhost"}, tmp_path)


ACCOUNT = "/v26.0/109876543210987/message_templates"


def test_templates_are_approved_at_once_and_listed_page_by_page(graph: TestClient) -> None:
    definitions = [definition.request(language) for definition in DEFINITIONS for language in definition.texts]
    for definition in definitions:
        assert graph.post(ACCOUNT, json=definition, headers=TOKEN).json()["status"] == "APPROVED"
    limit = len(definitions) - 10
    first = graph.get(ACCOUNT, params={"limit": limit}, headers=TOKEN).json()
    after = {"limit": limit, "after": first["paging"]["cursors"]["after"]}
    second = graph.get(ACCOUNT, params=after, headers=TOKEN).json()
    assert [template["name"] for template in first["data"] + second["data"]] == [
        definition["name"] for definition in definitions
    ]
    assert "next" in first["paging"] and "next" not in second["paging"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "With Capitals"},
        {"language": "xx"},
        {"category": "FUN"},
        {"components": [{"type": "BODY", "text": "{{code}} is first"}]},
        {"components": [{"type": "BODY", "text": "The last is {{code}}."}]},
        {"components": [{"type": "BODY", "text": "Without an {{example}} here"}]},
    ],
)
def test_templates_that_meta_would_refuse(graph: TestClient, change: Json) -> None:
    template = {**DEFINITIONS[0].request("es"), **change}
    assert error(graph.post(ACCOUNT, json=template, headers=TOKEN))["code"] in (100, 131009)


def test_templates_of_another_account_are_not_there(graph: TestClient) -> None:
    assert graph.get("/v26.0/1/message_templates", headers=TOKEN).status_code == 400
