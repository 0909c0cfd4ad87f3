"""Our message templates at WhatsApp: check which are approved, submit missing ones, and store the approvals."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from chalicelib.domain.channel import approval
from chalicelib.settings import SettingsInvalid
from chalicelib.store import channel as channels
from chalicelib.store.transaction import retry
from chalicelib.whatsapp.graph import Graph
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.templates import DEFINITIONS, FORMER_DEFINITIONS, Definition

APPROVED = "APPROVED"
MISSING = "MISSING"
DIFFERS = "DIFFERS"
# Events after which a template may, or may not, be sent. Others, such as FLAGGED, change nothing yet.
USABLE = frozenset({APPROVED, "REINSTATED", "UNPAUSED"})
UNUSABLE = frozenset({"PENDING", "REJECTED", "PAUSED", "DISABLED", "PENDING_DELETION", "DELETED", "LOCKED"})


class TemplateStatus(NamedTuple):
    """The status of a template in one language.

    Attributes:
        language: WhatsApp's name for the language.
        status: WhatsApp's own status; MISSING if it does not have the template; DIFFERS if its text is not ours.
    """

    name: str
    language: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Templates:
    """Checks and submits templates.

    Attributes:
        account_id: the id of the WhatsApp business account; "" if the setting is missing.
    """

    graph: Graph
    account_id: str
    clock: Callable[[], datetime]

    def check(self) -> list[TemplateStatus]:
        """Ask WhatsApp for the status of all our templates, store the approvals, and return the statuses.

        A former version that WhatsApp does not have is not missed.
        Raises SettingsInvalid, GraphError, TryAgain.
        """
        if not self.account_id:
            raise SettingsInvalid("WHATSAPP_ACCOUNT_ID is missing (see .env.example)")
        asked_at = self.clock()
        submitted = {
            (template.get("name"), template.get("language")): template
            for template in self.graph.templates(self.account_id)
        }
        statuses = [
            TemplateStatus(ours.name, language, _compare(ours, language, submitted.get((ours.name, language))))
            for ours, language in _all_versions()
            if ours not in FORMER_DEFINITIONS or (ours.name, language) in submitted
        ]
        for is_approved in (True, False):
            names = [
                approval(template.name, template.language)
                for template in statuses
                if (template.status == APPROVED) == is_approved
            ]
            retry(partial(channels.approve, names, approved=is_approved, at=asked_at))
        return statuses

    def submit(self) -> list[TemplateStatus]:
        """Submit the missing templates, and return the statuses afterwards. Raises what `check` raises."""
        missing = {(template.name, template.language) for template in self.check() if template.status == MISSING}
        for ours, language in _all_versions():
            if (ours.name, language) in missing:
                self.graph.submit_template(self.account_id, ours.request(language))
        return self.check()

    def update_approval(self, name: str, language: str, event: str, *, at: datetime | None = None) -> bool:
        """Store WhatsApp's report that a template was approved, paused, rejected … Return whether it is ours.

        A report that is not newer than what is known, such as one that somebody has captured and sends again, changes
        nothing. One without a time counts as older than all others.
        """
        if (name, language) not in {(ours.name, ours_language) for ours, ours_language in _all_versions()}:
            return False
        if event in USABLE | UNUSABLE:
            known_at = at or channels.LONG_AGO
            retry(partial(channels.approve, [approval(name, language)], approved=event in USABLE, at=known_at))
        return True


def own_versions() -> Iterator[tuple[str, str]]:
    """Yield the name of each of our templates with each of its languages. Former versions are left out."""
    return ((definition.name, language) for definition in DEFINITIONS for language in definition.texts)


def _all_versions() -> Iterator[tuple[Definition, str]]:
    """Yield each of our templates with each of its languages, the former versions last."""
    definitions = (*DEFINITIONS, *FORMER_DEFINITIONS)
    return ((definition, language) for definition in definitions for language in definition.texts)


def _compare(ours: Definition, language: str, submitted: Json | None) -> str:
    """Return the status of a template, given what WhatsApp has."""
    if submitted is None:
        return MISSING
    components = submitted.get("components")
    bodies = [part.get("text") for part in components if part.get("type") == "BODY"] if components else []
    if bodies and bodies != [ours.texts[language]]:  # its placeholders may not fit the values that we send
        return DIFFERS
    return str(submitted.get("status", ""))
