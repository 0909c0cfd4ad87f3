"""Which of our templates WhatsApp has approved: asked for, submitted, and noted for whoever sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from chalicelib.domain.channel import approval
from chalicelib.settings import SettingsInvalid
from chalicelib.store import channel as channels
from chalicelib.store.transaction import retry
from chalicelib.whatsapp.graph import Graph
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.templates import DEFINITIONS, Definition

APPROVED, MISSING, DIFFERS = "APPROVED", "MISSING", "DIFFERS"
# WhatsApp's events after which a template may be sent, or may not. Others, as FLAGGED, change nothing yet.
USABLE = frozenset({APPROVED, "REINSTATED", "UNPAUSED"})
UNUSABLE = frozenset({"PENDING", "REJECTED", "PAUSED", "DISABLED", "PENDING_DELETION", "DELETED", "LOCKED"})


class Standing(NamedTuple):
    """What WhatsApp makes of a template: its own word, MISSING, or DIFFERS where its text is not ours."""

    name: str
    language: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Templates:
    """The use cases around templates. `account_id` is the WhatsApp business account's, "" where it is not set."""

    graph: Graph
    account_id: str

    def check(self) -> list[Standing]:
        """Ask WhatsApp, and note what is approved. Raises SettingsInvalid, GraphError, TryAgain."""
        if not self.account_id:
            raise SettingsInvalid("WHATSAPP_ACCOUNT_ID is missing (see .env.example)")
        found = {(one.get("name"), one.get("language")): one for one in self.graph.templates(self.account_id)}
        standings = [
            Standing(ours.name, language, _status(ours, language, found.get((ours.name, language))))
            for ours, language in _all()
        ]
        for is_approved in (True, False):
            names = [approval(one.name, one.language) for one in standings if (one.status == APPROVED) == is_approved]
            retry(partial(channels.approve, names, approved=is_approved))
        return standings

    def submit(self) -> list[Standing]:
        """Submit what is missing; how all stand afterwards. Raises as `check`."""
        missing = {(one.name, one.language) for one in self.check() if one.status == MISSING}
        for ours, language in _all():
            if (ours.name, language) in missing:
                self.graph.submit_template(self.account_id, ours.request(language))
        return self.check()

    def update_approval(self, name: str, language: str, event: str) -> bool:
        """WhatsApp reports that a template was approved, paused, rejected … Whether it is one of ours."""
        if (name, language) not in {(ours.name, each) for ours, each in _all()}:
            return False
        if event in USABLE | UNUSABLE:
            retry(partial(channels.approve, [approval(name, language)], approved=event in USABLE))
        return True


def _all() -> Iterator[tuple[Definition, str]]:
    return ((definition, language) for definition in DEFINITIONS for language in definition.texts)


def _status(ours: Definition, language: str, found: Json | None) -> str:
    if found is None:
        return MISSING
    components = found.get("components")
    bodies = [part.get("text") for part in components if part.get("type") == "BODY"] if components else []
    if bodies and bodies != [ours.texts[language]]:  # it would be filled with other values than it has places for
        return DIFFERS
    return str(found.get("status", ""))
