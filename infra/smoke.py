"""Whether what was deployed works: asked over HTTP, as WhatsApp and organisers do."""

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

SECONDS = 30  # for each answer, a cold start included
# What was deployed a moment ago may not be reached at once.
UP = Retry(
    total=6, backoff_factor=1,
    status_forcelist=[403, 404, 500, 502, 503, 504], allowed_methods=["GET"], raise_on_status=False,
)  # fmt: skip
# Within so many seconds every process has read a secret anew: parameter_store.py keeps each for five minutes.
KNOWN_WITHIN = 330
EVERY = 5.0  # seconds between two looks, until then


class Check(NamedTuple):
    """One question and whether its answer was right."""

    what: str
    expected: int
    found: int

    @property
    def right(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True)
class Smoke:
    """Questions that change nothing. `rotated`: a secret is new, and the functions may go by the old one for minutes
    yet, so that what needs it is asked until then."""

    url: str
    secrets: Mapping[str, str]
    rotated: bool = False
    every: float = EVERY

    def checks(self, token: str | None) -> Iterator[Check]:
        """One after the other. `token`: an organiser's, if one is at hand."""
        patient = _asking_again(UP)
        yield self._check("the API is up", 200, lambda: patient.get(f"{self.url}/api/health", timeout=SECONDS))
        yield self._check("its description is there", 200, lambda: self._get("/api/openapi.json"))
        yield self._check("nobody gets in without a token", 401, lambda: self._get("/api/raffles"))
        yield self._check("nor with a wrong one", 403, lambda: self._get("/api/raffles", token="wrong-" * 8))
        if token is not None:
            yield self._check("an organiser gets in", 200, lambda: self._get("/api/raffles", token=token))
        yield self._check("WhatsApp's check of the webhook is answered", 200, self._verify)
        unsigned, signed = (b"{}", "sha256=0"), (EMPTY, self._signature(EMPTY))
        yield self._check("an unsigned webhook is refused", 401, lambda: self._post(requests.Session(), *unsigned))
        yield self._check("a signed one is taken", 200, lambda: self._post(self._session(), *signed))

    def _check(self, what: str, expected: int, ask: Callable[[], requests.Response]) -> Check:
        try:
            return Check(what, expected, ask().status_code)
        except requests.RequestException:
            return Check(what, expected, 0)

    def _get(self, path: str, token: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Token {token}"} if token else {}
        return requests.get(f"{self.url}{path}", headers=headers, timeout=SECONDS)

    def _verify(self) -> requests.Response:
        asked = {
            "hub.mode": "subscribe", "hub.challenge": "1158201444",
            "hub.verify_token": self.secrets["WHATSAPP_VERIFY_TOKEN"],
        }  # fmt: skip
        return self._session().get(f"{self.url}/whatsapp/webhook", params=asked, timeout=SECONDS)

    def _signature(self, body: bytes) -> str:
        return f"sha256={hmac.new(self.secrets['WHATSAPP_APP_SECRET'].encode(), body, 'sha256').hexdigest()}"

    def _session(self) -> requests.Session:
        """One that waits for a new secret to be known."""
        if not self.rotated:
            return requests.Session()
        return _asking_again(
            Retry(
                total=int(KNOWN_WITHIN / EVERY), backoff_factor=self.every, backoff_max=self.every,
                status_forcelist=[401, 403], allowed_methods=["GET", "POST"], raise_on_status=False,
            )
        )  # fmt: skip

    def _post(self, session: requests.Session, body: bytes, signature: str) -> requests.Response:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        return session.post(f"{self.url}/whatsapp/webhook", data=body, headers=headers, timeout=SECONDS)


def _asking_again(retry: Retry) -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


EMPTY = b'{"object":"whatsapp_business_account","entry":[]}'
