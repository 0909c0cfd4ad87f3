"""Smoke test: checks a deployment over HTTP, as WhatsApp and organisers use it."""

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

TIMEOUT_SECONDS = 60  # API Gateway itself gives up after 29
# A new deployment may take a moment until it can be reached.
UNTIL_UP = Retry(
    total=6, backoff_factor=1,
    status_forcelist=[403, 404, 500, 502, 503, 504], allowed_methods=["GET"], raise_on_status=False,
)  # fmt: skip
# parameter_store.py caches a secret for five minutes. After this time, every process has read the new one.
NEW_SECRET_SECONDS = 330
RETRY_SECONDS = 5.0


class Check(NamedTuple):
    """The result of one check: expected and actual HTTP status. 0: no response."""

    name: str
    expected: int
    actual: int

    @property
    def passed(self) -> bool:
        return self.expected == self.actual


@dataclass(frozen=True)
class Smoke:
    """Checks that change nothing.

    `rotated`: a secret is new. The functions may use the old one for some minutes, so checks that need it are retried.
    """

    url: str
    secrets: Mapping[str, str]
    rotated: bool = False
    retry_seconds: float = RETRY_SECONDS

    def checks(self, token: str | None) -> Iterator[Check]:
        """Run the checks one by one. `token`: an organiser's API token, if there is one."""
        retrying = _retrying_session(UNTIL_UP)
        yield self._check("the API is up", 200, lambda: retrying.get(f"{self.url}/api/health", timeout=TIMEOUT_SECONDS))
        yield self._check("the API description is served", 200, lambda: self._get("/api/openapi.json"))
        yield self._check("a request without a token is refused", 401, lambda: self._get("/api/raffles"))
        wrong_token = "wrong-" * 8
        yield self._check(
            "a request with a wrong token is refused", 403, lambda: self._get("/api/raffles", token=wrong_token)
        )
        if token is not None:
            yield self._check("an organiser's token is accepted", 200, lambda: self._get("/api/raffles", token=token))
        yield self._check("the webhook answers WhatsApp's verification request", 200, self._verify)
        signature = self._signature(EMPTY)
        session = requests.Session()
        yield self._check("an unsigned webhook is refused", 401, lambda: self._post(session, b"{}", "sha256=0"))
        yield self._check("a signed webhook is accepted", 200, lambda: self._post(self._session(), EMPTY, signature))

    def _check(self, name: str, expected: int, send: Callable[[], requests.Response]) -> Check:
        try:
            return Check(name, expected, send().status_code)
        except requests.RequestException:
            return Check(name, expected, 0)

    def _get(self, path: str, token: str | None = None) -> requests.Response:
        # Uncompressed: a stand-in for AWS may not pass on what is compressed already.
        headers = {"Accept-Encoding": "identity", **({"Authorization": f"Token {token}"} if token else {})}
        return requests.get(f"{self.url}{path}", headers=headers, timeout=TIMEOUT_SECONDS)

    def _verify(self) -> requests.Response:
        params = {
            "hub.mode": "subscribe", "hub.challenge": "1158201444",
            "hub.verify_token": self.secrets["WHATSAPP_VERIFY_TOKEN"],
        }  # fmt: skip
        return self._session().get(f"{self.url}/whatsapp/webhook", params=params, timeout=TIMEOUT_SECONDS)

    def _signature(self, body: bytes) -> str:
        return f"sha256={hmac.new(self.secrets['WHATSAPP_APP_SECRET'].encode(), body, 'sha256').hexdigest()}"

    def _session(self) -> requests.Session:
        """Return a session. After a rotation, it retries until the functions know the new secret."""
        if not self.rotated:
            return requests.Session()
        return _retrying_session(
            Retry(
                total=int(NEW_SECRET_SECONDS / RETRY_SECONDS),
                backoff_factor=self.retry_seconds, backoff_max=self.retry_seconds,
                status_forcelist=[401, 403], allowed_methods=["GET", "POST"], raise_on_status=False,
            )
        )  # fmt: skip

    def _post(self, session: requests.Session, body: bytes, signature: str) -> requests.Response:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        return session.post(f"{self.url}/whatsapp/webhook", data=body, headers=headers, timeout=TIMEOUT_SECONDS)


def _retrying_session(retry: Retry) -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


EMPTY = b'{"object":"whatsapp_business_account","entry":[]}'
