"""What our number may send just now, as far as WhatsApp has told: whether, from when on, and which templates."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.languages import TEMPLATE_CODES


class Stop(StrEnum):
    UNASKED = "unasked"  # only answers to what people write
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Channel:
    """`code` is WhatsApp's reason for the stop (None: by hand); `approved` holds "name/language" of templates."""

    stopped: Stop | None = None
    code: int | None = None
    since: datetime | None = None
    resumes_at: datetime | None = None
    approved: frozenset[str] = frozenset()

    def stops(self, *, asked: bool) -> bool:
        """Whether nothing goes out until somebody resumes; `asked`: it answers what a person wrote."""
        return self.stopped is Stop.ALL or (self.stopped is Stop.UNASKED and not asked)

    def is_open(self, now: datetime) -> bool:
        """Whether WhatsApp lets us do anything at all."""
        return self.stopped is not Stop.ALL and not self.is_paused(now)

    def is_paused(self, now: datetime) -> bool:
        return self.resumes_at is not None and now < self.resumes_at

    def language_for(self, template: str, language: str) -> str | None:
        """In which of WhatsApp's languages the template may go: the person's, else any; None when none is approved."""
        languages = [TEMPLATE_CODES.get(language, language), *TEMPLATE_CODES.values()]
        return next((one for one in languages if approval(template, one) in self.approved), None)


def approval(template: str, language: str) -> str:
    return f"{template}/{language}"
