"""The smoke test checks a new deployment, and retries while a new secret is not known yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from infra.smoke import Smoke
from tests.support.local_server import serving

SECRETS = {"WHATSAPP_VERIFY_TOKEN": "verify", "WHATSAPP_APP_SECRET": "new"}
SIGNED = "a signed webhook is accepted"
VERIFIED = "the webhook answers WhatsApp's verification request"


@contextmanager
def knows_the_new_secret_after(refusals: int) -> Iterator[str]:
    """A webhook that goes by the old secrets for so many requests of each kind. Its first answer of all is that there
    is nothing, as API Gateway's may be a moment after a deployment."""
    asked = {"GET": 0, "POST": 0}
    first = iter([404])

    class Webhook(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer("GET", 403)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["X-Hub-Signature-256"] == "sha256=0":
                self.reply(401)
            else:
                self.answer("POST", 401)

        def answer(self, method: str, refused: int) -> None:
            if not self.path.startswith("/whatsapp/webhook"):
                return self.reply(next(first, 200))
            asked[method] += 1
            return self.reply(200 if asked[method] > refusals else refused)

        def reply(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Webhook) as url:
        yield url


def results(smoke: Smoke) -> dict[str, bool]:
    return {check.name: check.passed for check in smoke.checks(None)}


def test_an_api_that_is_not_up_yet_is_asked_again() -> None:
    with knows_the_new_secret_after(0) as url:
        passed = results(Smoke(url, SECRETS))
    assert passed["the API is up"] and passed[SIGNED] and passed[VERIFIED]


def test_a_rotated_secret_is_tried_until_the_functions_know_it() -> None:
    with knows_the_new_secret_after(3) as url:
        passed = results(Smoke(url, SECRETS, rotated=True, retry_seconds=0))
    assert passed[SIGNED] and passed[VERIFIED] and passed["an unsigned webhook is refused"]


def test_a_secret_that_the_functions_never_know_is_reported() -> None:
    with knows_the_new_secret_after(1000) as url:
        checks = list(Smoke(url, SECRETS, rotated=True, retry_seconds=0).checks(None))
    statuses = {check.name: check.actual for check in checks}
    assert (statuses[VERIFIED], statuses[SIGNED]) == (403, 401)


def test_without_a_new_secret_a_wrong_answer_is_not_retried() -> None:
    with knows_the_new_secret_after(1) as url:
        passed = results(Smoke(url, SECRETS))
    assert not passed[SIGNED] and not passed[VERIFIED]
