"""The audit log over REST."""

from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.organisers import Role
from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import Listed, Moment, PageQuery, View
from chalicelib.store import audit as stored


class EntryView(View):
    """Something that an organiser did. Each entry's seal covers the one before, so that nothing can be taken out."""

    chain: Annotated[int, Field(description="the log is kept as several chains")]
    number: int
    at: Moment
    action: Annotated[str, Field(examples=["order.cancelled"])]
    target: Annotated[str, Field(examples=["order:8WGRRPW3"])]
    by: Annotated[str, Field(description="the token's name")]
    role: Role
    token: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    previous: str
    seal: str


class AuditQuery(PageQuery):
    target: (
        Annotated[
            str,
            Field(
                pattern="^[a-z]{1,20}:[0-9A-Za-z.-]{1,64}$",
                description="what was changed: raffle:ID, order:CODE, contact:ID, token:ID",
            ),
        ]
        | None
    ) = None
    by: Annotated[str, Field(min_length=1, max_length=60, description="a token's name")] | None = None


def list_audit(call: Call, query: AuditQuery) -> Listed[EntryView]:
    """What organisers did, newest first."""
    return call.page(
        query,
        lambda after, backwards: stored.listed(
            target=query.target, by=query.by, limit=query.page_size, after=after, backwards=backwards
        ),
        _shown,
    )


def _shown(entry: AuditEntry) -> EntryView:
    return EntryView(
        chain=entry.chain,
        number=entry.number,
        at=entry.at,
        action=entry.action,
        target=entry.target,
        by=entry.name,
        role=entry.role,
        token=entry.token_id,
        before=entry.before,
        after=entry.after,
        previous=entry.previous,
        seal=entry.seal,
    )
