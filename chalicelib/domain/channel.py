"""What our WhatsApp number may send now: whether sending is stopped or paused, and which templates are approved."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.languages import TEMPLATE_CODES, LanguageCode, known_language


class Stop(StrEnum):
    """What is not sent until an organiser resumes sending. The table stores the values."""

    BUSINESS_INITIATED = "unasked"  # everything but replies to what people write
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Channel:
    """The state of our number at WhatsApp.

    Attributes:
        stopped: what is stopped until somebody resumes it; None: nothing.
        code: WhatsApp's error code that caused the stop; None for a stop by hand.
        since: when the stop began.
        resumes_at: until when a pause lasts; it ends by itself.
        approved: the approved templates, as "name/language".
        silent_since: since when no send has had an answer, although a message was left unknown; None: all is well.
        silent_until: when the last message was left unknown since then.
        answered_at: when WhatsApp answered again. The schedule then looks after what was left unknown, and clears both.
        languages: in which organisers read their notices, as "contact id/language", if not in that of their phone.
    """

    stopped: Stop | None = None
    code: int | None = None
    since: datetime | None = None
    resumes_at: datetime | None = None
    approved: frozenset[str] = frozenset()
    silent_since: datetime | None = None
    silent_until: datetime | None = None
    answered_at: datetime | None = None
    languages: frozenset[str] = frozenset()

    def language_of(self, contact_id: str) -> LanguageCode | None:
        """Return the language that an organiser chose or writes; None if it is that of their phone's country."""
        found = (entry.partition("/") for entry in self.languages)
        return next((known_language(language) for id_, _, language in found if id_ == contact_id), None)

    def languages_with(self, contact_id: str, language: LanguageCode | None) -> frozenset[str]:
        """Return `languages` once an organiser reads this one; None: that of their phone's country."""
        others = {entry for entry in self.languages if not entry.startswith(f"{contact_id}/")}
        return frozenset(others if language is None else others | {f"{contact_id}/{language}"})

    def stops(self, *, is_reply: bool) -> bool:
        """Return whether a stop keeps a message from being sent.

        Args:
            is_reply: whether the message replies to something the contact wrote.
        """
        return self.stopped is Stop.ALL or (self.stopped is Stop.BUSINESS_INITIATED and not is_reply)

    def is_open(self, now: datetime) -> bool:
        """Return whether anything at all may be sent."""
        return self.stopped is not Stop.ALL and not self.is_paused(now)

    def is_paused(self, now: datetime) -> bool:
        return self.resumes_at is not None and now < self.resumes_at

    def language_for(self, template: str, language: str) -> str | None:
        """Return the language in which a template may be sent: the contact's own if approved, else any approved one.

        None if the template is approved in no language.
        """
        candidates = [TEMPLATE_CODES.get(language, language), *TEMPLATE_CODES.values()]
        return next((candidate for candidate in candidates if approval(template, candidate) in self.approved), None)


def approval(template: str, language: str) -> str:
    """Return the entry in `Channel.approved` that stands for a template in one of WhatsApp's languages."""
    return f"{template}/{language}"
