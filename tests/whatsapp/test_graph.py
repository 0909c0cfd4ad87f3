"""The Graph API over real HTTP, with a server of our own that answers as Meta does."""

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from chalicelib.domain.messages import Identity
from chalicelib.domain.refusals import TryAgain
from chalicelib.whatsapp import messages
from chalicelib.whatsapp.graph import (
    PAUSES,
    Accepted,
    Graph,
    GraphError,
    MediaDamaged,
    MediaTooLarge,
    MediaUnavailable,
    NotSent,
    OutcomeUnknown,
    SendRefused,
)
from chalicelib.whatsapp.templates import PAYMENT_CONFIRMED
from tests.support.whatsapp_samples import ANSWERS, OURS, answer

TOKEN = "EAAB-very-secret"
PICTURE = b"\xff\xd8\xff" + bytes(range(256)) * 40
MESSAGE = messages.build_request(messages.build_text("hola, soy Lucía"), Identity(phone="50255501234"), tag="out:1")
WAMID = "wamid.HBgLNTAyNTU1MDEyMzQVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA"


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang_up: bool = False  # close the connection instead
    say_nothing: bool = False  # until the test is over
    breaks_off: bool = False  # close the connection after the body, whatever length was named


@dataclass(frozen=True, kw_only=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Meta:
    """Gives the replies it was told to give, in order, and remembers what it was asked."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def will(self, *replies: Reply | dict[str, Any]) -> None:
        self.replies += [_reply(reply) if isinstance(reply, dict) else reply for reply in replies]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        meta = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                meta.asked.append(Asked(method=self.command, path=self.path, headers=dict(self.headers), body=body))
                reply = meta.replies.pop(0)
                if reply.say_nothing:
                    meta.over.wait(30)
                if reply.hang_up or reply.say_nothing:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(reply.body)
                except OSError:  # the client has read enough
                    self.close_connection = True
                if reply.breaks_off:
                    self.close_connection = True

            do_GET = do_POST  # noqa: N815 - http.server calls it so

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def _reply(sample: dict[str, Any]) -> Reply:
    """The reply that a file of tests/data/graph/responses describes."""
    if "http_status" not in sample:
        return Reply(body=json.dumps(sample).encode())
    body = sample["body_text"].encode() if "body_text" in sample else json.dumps(sample["body"]).encode()
    return Reply(status=sample["http_status"], headers=sample.get("headers", {}), body=body)


@pytest.fixture
def meta() -> Iterator[Meta]:
    found = Meta()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    found.over.set()
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@pytest.fixture
def graph(meta: Meta) -> Graph:
    return graph_at(meta.url)


class Stopwatch:
    """Time that passes by pausing, and by `each` seconds whenever somebody looks."""

    def __init__(self, each: float = 0) -> None:
        self.now, self.each, self.pauses = 100.0, each, list[float]()

    def __call__(self) -> float:
        self.now += self.each
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def graph_at(url: str, timeout: tuple[float, float] = (60, 60), stopwatch: Stopwatch | None = None) -> Graph:
    stopwatch = stopwatch or Stopwatch()
    return Graph(
        base_url=url, version="v26.0", phone_number_id=OURS, access_token=lambda: TOKEN, timeout=timeout,
        clock=stopwatch, pause=stopwatch.pause,
    )  # fmt: skip


def failure_of(do: Callable[[], object]) -> GraphError:
    with pytest.raises(GraphError) as caught:
        do()
    said = str(caught.value) + repr(caught.value) + repr(vars(caught.value))
    assert TOKEN not in said
    assert "50255501234" not in said
    assert "Lucía" not in said
    # What a traceback would print below: the HTTP client's errors hold addresses and headers.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("ok_text", ""),
        ("ok_bsuid", ""),
        ("ok_wa_id_differs_br", ""),
        ("ok_template_accepted", "accepted"),
        ("ok_template_held", "held_for_quality_assessment"),
        ("ok_template_paused", "paused"),
    ],
)
def test_an_accepted_message_has_an_id(meta: Meta, graph: Graph, name: str, status: str) -> None:
    meta.will(answer(name))
    assert graph.send(MESSAGE) == Accepted(message_id=WAMID, status=status)


def test_a_message_is_posted_with_the_token_for_our_number(meta: Meta, graph: Graph) -> None:
    meta.will(answer("ok_text"))
    graph.send(MESSAGE)
    [asked] = meta.asked
    assert (asked.method, asked.path) == ("POST", f"/v26.0/{OURS}/messages")
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == MESSAGE


@pytest.mark.parametrize("name", [name for name in ANSWERS if name.startswith("err_") and "body" in answer(name)])
def test_a_refusal_carries_the_code_of_the_body(meta: Meta, graph: Graph, name: str) -> None:
    meta.will(answer(name))
    refused = failure_of(lambda: graph.send(MESSAGE))
    assert isinstance(refused, SendRefused)
    assert refused.code == answer(name)["body"]["error"]["code"]
    assert refused.http_status == answer(name)["http_status"]


def test_an_error_is_one_with_http_200_too(meta: Meta, graph: Graph) -> None:
    meta.will(answer("odd_200_with_error"))
    refused = failure_of(lambda: graph.send(MESSAGE))
    assert isinstance(refused, SendRefused)
    assert (refused.code, refused.http_status) == (1, 200)


@pytest.mark.parametrize(
    ("status", "headers", "code", "retry_after"),
    [
        (400, {}, -1, None),
        (401, {}, 190, None),
        (404, {"Retry-After": "soon"}, -1, None),
        (429, {"Retry-After": "7"}, 4, 7.0),
        (429, {"Retry-After": "-7"}, 4, None),
        (429, {"Retry-After": "nan"}, 4, None),
        (429, {"Retry-After": "1e300"}, 4, 86_400.0),
        (429, {"X-Business-Use-Case-Usage": "[not json"}, 4, None),
        (429, {"X-Business-Use-Case-Usage": '{"1": [{"estimated_time_to_regain_access": null}]}'}, 4, None),
    ],
)
def test_a_refusal_without_body_is_a_refusal(
    meta: Meta, graph: Graph, status: int, headers: dict[str, str], code: int, retry_after: float | None
) -> None:
    meta.will(Reply(status=status, headers=headers))
    refused = failure_of(lambda: graph.send(MESSAGE))
    assert isinstance(refused, SendRefused)
    assert (refused.code, refused.retry_after) == (code, retry_after)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("err_130429_throughput_429_variant", 2.0), ("err_80007_waba_limit", 900.0), ("err_4_app_limit", None)],
)
def test_meta_says_how_long_to_wait(meta: Meta, graph: Graph, name: str, seconds: float | None) -> None:
    meta.will(answer(name))
    refused = failure_of(lambda: graph.send(MESSAGE))
    assert isinstance(refused, SendRefused)
    assert refused.retry_after == seconds


def test_details_are_kept_without_token_phones_and_message_ids(meta: Meta, graph: Graph) -> None:
    details = f"{TOKEN} may not write to +502 5550-1234 about {WAMID} (3)"
    meta.will(Reply(status=400, body=json.dumps({"error": {"code": 100, "error_data": {"details": details}}}).encode()))
    refused = failure_of(lambda: graph.send(MESSAGE))
    assert isinstance(refused, SendRefused)
    assert refused.details == "# may not write to # about # (3)"


@pytest.mark.parametrize("error", [{}, {"code": "1"}, {"code": True}, {"code": None, "message": 7, "error_data": []}])
def test_a_malformed_error_is_a_refusal_without_code(meta: Meta, graph: Graph, error: dict[str, Any]) -> None:
    meta.will(Reply(status=500, body=json.dumps({"error": error}).encode()))
    refused = failure_of(lambda: graph.send(MESSAGE))
    assert isinstance(refused, SendRefused)
    assert refused.code == -1


@pytest.mark.parametrize(
    "reply",
    [
        _reply(answer("err_empty_500")),
        _reply(answer("err_html_502")),
        _reply(answer("odd_200_no_messages")),
        Reply(),
        Reply(body=b"{"),
        Reply(body=b"[]"),
        Reply(body=b'{"messages": {}}'),
        Reply(body=b'{"messages": [{"id": 7}]}'),
        Reply(body=b'{"messages": ["x"]}'),
        Reply(body=b"[" * 100_000),
        Reply(status=202, body=json.dumps(answer("ok_text")["body"]).encode()),
        Reply(status=408),
        Reply(hang_up=True),
        Reply(headers={"Content-Length": "500"}, body=b'{"messages"', status=200),
    ],
)
def test_an_unreadable_answer_may_mean_that_it_was_sent(meta: Meta, graph: Graph, reply: Reply) -> None:
    meta.will(reply)
    if reply.headers.get("Content-Length") == "500":
        graph = graph_at(meta.url, timeout=(60, 1.0))
    assert isinstance(failure_of(lambda: graph.send(MESSAGE)), OutcomeUnknown)
    assert len(meta.asked) == 1


def test_silence_after_sending_is_an_unknown_outcome(meta: Meta) -> None:
    meta.will(Reply(say_nothing=True))
    assert isinstance(failure_of(lambda: graph_at(meta.url, timeout=(60, 1.0)).send(MESSAGE)), OutcomeUnknown)


def test_a_failed_connection_has_sent_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        graph = graph_at(f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert isinstance(failure_of(lambda: graph.send(MESSAGE)), NotSent)
        assert isinstance(failure_of(lambda: graph.mark_read(WAMID)), NotSent)
        assert isinstance(failure_of(lambda: graph.upload(b"x", "image/png", "x.png")), NotSent)
        unavailable = failure_of(lambda: graph.fetch_media("1"))
        assert isinstance(unavailable, MediaUnavailable)
        assert unavailable.temporary


@pytest.mark.parametrize("url", ["http://name.invalid", "nonsense"])
def test_an_address_that_leads_nowhere_has_sent_nothing(url: str) -> None:
    assert isinstance(failure_of(lambda: graph_at(url).send(MESSAGE)), NotSent)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_token_follows_no_redirect(meta: Meta, graph: Graph, status: int) -> None:
    elsewhere = {"Location": f"{meta.url}/elsewhere"}
    meta.will(Reply(status=status, headers=elsewhere))
    assert isinstance(failure_of(lambda: graph.send(MESSAGE)), OutcomeUnknown)
    meta.will(found_at(meta, PICTURE), Reply(status=status, headers=elsewhere))
    assert isinstance(failure_of(lambda: graph.fetch_media("1")), MediaUnavailable)
    assert len(meta.asked) == 3
    assert not any("elsewhere" in asked.path for asked in meta.asked)


def test_without_a_token_nothing_is_sent_and_a_later_try_may_work(meta: Meta) -> None:
    def none() -> str:
        raise TryAgain

    graph = Graph(base_url=meta.url, version="v26.0", phone_number_id=OURS, access_token=none)
    assert isinstance(failure_of(lambda: graph.send(MESSAGE)), NotSent)
    failure = failure_of(lambda: graph.fetch_media("1"))
    assert isinstance(failure, MediaUnavailable) and failure.temporary
    assert meta.asked == []


def test_reading_is_marked(meta: Meta, graph: Graph) -> None:
    meta.will(answer("ok_read"), answer("ok_read"), answer("err_131000_unknown"))
    graph.mark_read("wamid.IN1")
    graph.mark_read("wamid.IN1", typing=False)
    assert json.loads(meta.asked[0].body)["typing_indicator"] == {"type": "text"}
    assert "typing_indicator" not in json.loads(meta.asked[1].body)
    assert isinstance(failure_of(lambda: graph.mark_read("wamid.IN1")), SendRefused)


def test_a_file_is_uploaded_as_a_form(meta: Meta, graph: Graph) -> None:
    meta.will(answer("ok_upload"), Reply(body=b"{}"))
    assert graph.upload(PICTURE, "image/jpeg", "../boleto.jpg") == "1037543291543636"
    [asked] = meta.asked
    assert asked.path == f"/v26.0/{OURS}/media"
    assert PICTURE in asked.body
    assert b'filename="boleto.jpg"' in asked.body
    assert b"whatsapp" in asked.body
    assert isinstance(failure_of(lambda: graph.upload(b"x", "image/png", "")), OutcomeUnknown)


def test_an_upload_may_have_less_time_than_a_message(meta: Meta) -> None:
    meta.will(Reply(say_nothing=True))
    graph = graph_at(meta.url, timeout=(60, 60))
    failure = failure_of(lambda: graph.upload(PICTURE, "image/png", "x.png", timeout=(60, 0.5)))
    assert isinstance(failure, OutcomeUnknown)


def found_at(meta: Meta, content: bytes, **fields: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content)
    found = {"url": f"{meta.url}/file?x=1", "mime_type": "image/jpeg", "sha256": digest.hexdigest(), **fields}
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize("form", ["hex", "HEX", "base64", None])
def test_p6_a_file_comes_in_two_steps_and_is_the_one_named(meta: Meta, graph: Graph, form: str | None) -> None:
    digest = hashlib.sha256(PICTURE)
    named = {
        "hex": digest.hexdigest(),
        "HEX": digest.hexdigest().upper(),
        "base64": base64.b64encode(digest.digest()).decode(),
    }.get(form or "")
    meta.will(found_at(meta, PICTURE, sha256=named), Reply(body=PICTURE))
    file = graph.fetch_media("178")
    assert (file.content, file.mime_type, file.sha256) == (PICTURE, "image/jpeg", digest.hexdigest())
    look_up, download = meta.asked
    assert (look_up.method, look_up.path) == ("GET", f"/v26.0/178?phone_number_id={OURS}")
    assert download.path == "/file?x=1"
    assert download.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("named", ["0" * 64, "AAAA", "ñ", "not base64!", 7])
def test_p6_other_bytes_than_those_named_are_damaged(meta: Meta, graph: Graph, named: object) -> None:
    meta.will(found_at(meta, PICTURE, sha256=named), Reply(body=PICTURE))
    assert isinstance(failure_of(lambda: graph.fetch_media("178")), MediaDamaged)


def test_p6_an_expired_link_is_asked_for_again_once(meta: Meta, graph: Graph) -> None:
    expired = answer("media_404_expired")
    meta.will(found_at(meta, PICTURE), expired, found_at(meta, PICTURE), Reply(body=PICTURE))
    assert graph.fetch_media("178").content == PICTURE
    meta.will(found_at(meta, PICTURE), expired, found_at(meta, PICTURE), expired)
    assert isinstance(failure_of(lambda: graph.fetch_media("178")), MediaUnavailable)
    assert len(meta.asked) == 8


def test_p6_a_file_may_be_as_large_as_the_limit_and_no_larger(meta: Meta, graph: Graph) -> None:
    meta.will(found_at(meta, PICTURE), Reply(body=PICTURE))
    assert graph.fetch_media("1", limit_bytes=len(PICTURE)).content == PICTURE
    meta.will(found_at(meta, PICTURE, file_size=str(len(PICTURE))))
    assert isinstance(failure_of(lambda: graph.fetch_media("1", limit_bytes=len(PICTURE) - 1)), MediaTooLarge)
    meta.will(found_at(meta, PICTURE, file_size="1"), Reply(body=PICTURE))
    too_large = failure_of(lambda: graph.fetch_media("1", limit_bytes=len(PICTURE) - 1))
    assert isinstance(too_large, MediaTooLarge)
    assert too_large.limit == len(PICTURE) - 1


def test_p6_a_file_of_unnamed_length_is_read_up_to_the_limit(meta: Meta, graph: Graph) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    endless = Reply(headers={"Transfer-Encoding": "chunked", "Content-Length": ""}, body=chunk * 64 + b"0\r\n\r\n")
    meta.will(found_at(meta, PICTURE), endless)
    assert isinstance(failure_of(lambda: graph.fetch_media("1", limit_bytes=100_000)), MediaTooLarge)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.invalid/x",
        "https://evilfbcdn.net/x",
        "https://fbcdn.net.evil.example/x",
        "https://lookaside.fbsbx.com@evil.example/x",
        "https://evil.example\\@lookaside.fbsbx.com/x",
        "http://lookaside.fbsbx.com/x",
        "ftp://lookaside.fbsbx.com/x",
        "file:///etc/passwd",
        "//lookaside.fbsbx.com/x",
        "https://user:pw@127.0.0.1/x",
        "https://[::1",
        "https://lookaside.fbsbx.com/\r\nx",
        "",
        7,
        None,
    ],
)
def test_the_token_goes_to_known_hosts_only(meta: Meta, graph: Graph, url: object) -> None:
    meta.will(found_at(meta, PICTURE, url=url))
    assert isinstance(failure_of(lambda: graph.fetch_media("1")), MediaUnavailable)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://lookaside.fbsbx.com/x", True),
        ("https://LOOKASIDE.fbsbx.com/x", True),
        ("https://scontent.xx.fbcdn.net/x", True),
        ("https://mmg.whatsapp.net/x", True),
        ("https://fbcdn.net/x", False),
        ("https://graph.facebook.com/x", True),
        ("http://graph.facebook.com/x", False),
    ],
)
def test_metas_hosts_are_known_over_https(url: str, allowed: bool) -> None:
    assert graph_at("https://graph.facebook.com")._is_media_url(url) is allowed


@pytest.mark.parametrize("media_id", ["", "../me", "1/2", "1?x", "ñ", "1\n"])
def test_a_media_id_is_not_a_path(graph: Graph, media_id: str) -> None:
    assert isinstance(failure_of(lambda: graph.fetch_media(media_id)), MediaUnavailable)


@pytest.mark.parametrize(
    "trouble",
    [
        _reply(answer("err_131016_unavailable")),
        _reply(answer("err_2_transient")),
        _reply(answer("err_1_unknown")),  # HTTP 400: the code decides
        _reply(answer("err_130429_throughput")),
        _reply(answer("err_html_502")),
        _reply(answer("err_empty_500")),
        Reply(hang_up=True),
        Reply(status=408),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_p6_a_file_that_is_not_available_yet_is_asked_for_again(meta: Meta, trouble: Reply, times: int) -> None:
    stopwatch = Stopwatch()
    meta.will(*[trouble] * times, found_at(meta, PICTURE), Reply(body=PICTURE))
    assert graph_at(meta.url, stopwatch=stopwatch).fetch_media("1").content == PICTURE
    assert stopwatch.pauses == list(PAUSES[:times])


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(status=500),
        Reply(status=503, headers={"Retry-After": "1"}),
        Reply(status=429),
        Reply(hang_up=True),
        Reply(
            headers={"Content-Length": str(len(PICTURE)), "Connection": "close"}, body=PICTURE[:1000], breaks_off=True
        ),
    ],
)
def test_p6_a_file_whose_download_fails_or_breaks_off_is_asked_for_again(
    meta: Meta, graph: Graph, trouble: Reply
) -> None:
    meta.will(found_at(meta, PICTURE), trouble, found_at(meta, PICTURE), Reply(body=PICTURE))
    assert graph.fetch_media("1").content == PICTURE


def test_p6_a_file_about_which_meta_is_silent_is_asked_for_again(meta: Meta) -> None:
    meta.will(Reply(say_nothing=True), found_at(meta, PICTURE), Reply(body=PICTURE))
    assert graph_at(meta.url, timeout=(60, 2.0)).fetch_media("1").content == PICTURE


@pytest.mark.parametrize("code", [None, 131016])
def test_p6_three_tries_are_enough(meta: Meta, graph: Graph, code: int | None) -> None:
    meta.will(*[answer("err_131016_unavailable" if code else "err_html_502")] * 3)
    unavailable = failure_of(lambda: graph.fetch_media("1"))
    assert isinstance(unavailable, MediaUnavailable)
    assert (unavailable.code, unavailable.temporary) == (code, True)
    assert len(meta.asked) == 3


@pytest.mark.parametrize("name", ["err_100_33_missing_object", "err_190_expired", "err_3_capability"])
def test_p6_an_unavailable_file_is_asked_for_once(meta: Meta, graph: Graph, name: str) -> None:
    meta.will(answer(name))
    unavailable = failure_of(lambda: graph.fetch_media("1"))
    assert isinstance(unavailable, MediaUnavailable)
    assert (unavailable.code, unavailable.temporary) == (answer(name)["body"]["error"]["code"], False)


@pytest.mark.parametrize("status", [301, 302, 307, 403])
def test_p6_a_file_whose_download_is_refused_or_redirected_is_asked_for_once(
    meta: Meta, graph: Graph, status: int
) -> None:
    meta.will(found_at(meta, PICTURE), Reply(status=status, headers={"Location": f"{meta.url}/elsewhere"}))
    unavailable = failure_of(lambda: graph.fetch_media("1"))
    assert isinstance(unavailable, MediaUnavailable)
    assert not unavailable.temporary
    assert len(meta.asked) == 2


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("err_4_app_limit", 60), ("err_80007_waba_limit", 900), ("err_131057_maintenance", 60)],
)
def test_p6_a_wait_longer_than_a_call_may_last_is_not_waited_for(
    meta: Meta, graph: Graph, name: str, seconds: int
) -> None:
    meta.will(answer(name))
    unavailable = failure_of(lambda: graph.fetch_media("1"))
    assert isinstance(unavailable, MediaUnavailable)
    assert (unavailable.temporary, unavailable.wait) == (True, seconds)


def test_p6_meta_says_how_long_to_wait_for_a_file(meta: Meta) -> None:
    stopwatch = Stopwatch()
    limited = answer("err_130429_throughput_429_variant")
    meta.will(limited, found_at(meta, PICTURE), Reply(body=PICTURE))
    assert graph_at(meta.url, stopwatch=stopwatch).fetch_media("1").content == PICTURE
    assert stopwatch.pauses == [2]


def test_p6_nothing_is_asked_for_when_the_time_is_over(meta: Meta) -> None:
    """Whoever looks at the clock loses two of the eight seconds."""
    meta.will(*[answer("err_html_502")] * 3)
    unavailable = failure_of(lambda: graph_at(meta.url, stopwatch=Stopwatch(each=2)).fetch_media("1"))
    assert isinstance(unavailable, MediaUnavailable)
    assert len(meta.asked) == 2


def test_p6_an_expired_link_is_not_asked_for_again_when_the_time_is_over(meta: Meta) -> None:
    meta.will(found_at(meta, PICTURE), answer("media_404_expired"))
    unavailable = failure_of(lambda: graph_at(meta.url, stopwatch=Stopwatch(each=3)).fetch_media("1"))
    assert isinstance(unavailable, MediaUnavailable)
    assert unavailable.reason == "too slow"
    assert len(meta.asked) == 2


def test_p6_a_file_that_trickles_in_is_given_up_when_the_time_is_over(meta: Meta) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    endless = Reply(headers={"Transfer-Encoding": "chunked", "Content-Length": ""}, body=chunk * 64 + b"0\r\n\r\n")
    meta.will(found_at(meta, PICTURE), endless)
    unavailable = failure_of(lambda: graph_at(meta.url, stopwatch=Stopwatch(each=1)).fetch_media("1"))
    assert isinstance(unavailable, MediaUnavailable)
    assert unavailable.reason == "too slow"
    assert len(meta.asked) == 2


def test_only_file_requests_are_repeated(meta: Meta) -> None:
    stopwatch = Stopwatch()
    for trouble in (answer("err_html_502"), answer("err_131016_unavailable"), Reply(hang_up=True)):
        meta.will(trouble)
        failure_of(lambda: graph_at(meta.url, stopwatch=stopwatch).send(MESSAGE))
    assert [asked.method for asked in meta.asked] == ["POST"] * 3
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    failure_of(lambda: graph_at(address, stopwatch=stopwatch).send(MESSAGE))
    assert stopwatch.pauses == []


def test_no_post_is_ever_repeated_by_the_http_client(graph: Graph) -> None:
    """A connection that fails would be the one thing that it repeats whatever the method."""
    for scheme in ("http://", "https://"):
        adapter = graph._http().get_adapter(scheme)
        assert isinstance(adapter, HTTPAdapter)
        assert adapter.max_retries.total == 0


def test_our_number_is_asked_for_with_the_token(meta: Meta, graph: Graph) -> None:
    meta.will({"display_phone_number": "+1 631-555-1181", "id": "106540352242922"})
    assert graph.number() == "+1 631-555-1181"
    [asked] = meta.asked
    assert (asked.method, asked.path.partition("?")[2]) == ("GET", "fields=display_phone_number")
    assert asked.headers["Authorization"].startswith("Bearer ")


def test_our_number_may_be_asked_for_with_little_time(meta: Meta) -> None:
    meta.will(Reply(say_nothing=True))
    graph = graph_at(meta.url, timeout=(60, 60))
    assert isinstance(failure_of(lambda: graph.number(within=0.5)), GraphError)


def page(names: list[str], *, more: bool) -> dict[str, Any]:
    paging = {"cursors": {"before": "b", "after": "a1"}} | ({"next": "https://elsewhere.invalid/"} if more else {})
    return {"data": [{"name": name, "language": "es", "status": "APPROVED"} for name in names], "paging": paging}


def test_all_pages_of_templates_are_read_from_our_own_address(meta: Meta, graph: Graph) -> None:
    meta.will(page(["one", "two"], more=True), page(["three"], more=False))
    assert [found["name"] for found in graph.templates("99")] == ["one", "two", "three"]
    first, second = meta.asked
    assert first.path.startswith("/v26.0/99/message_templates?") and "after" not in first.path
    assert "after=a1" in second.path


def test_a_template_is_submitted_to_the_account(meta: Meta, graph: Graph) -> None:
    meta.will({"id": "1", "status": "PENDING", "category": "UTILITY"})
    definition = PAYMENT_CONFIRMED.request("es")
    assert graph.submit_template("99", definition) == "PENDING"
    [asked] = meta.asked
    assert (asked.method, asked.path, json.loads(asked.body)) == ("POST", "/v26.0/99/message_templates", definition)
