"""The audit log: what organisers did."""

from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.organisers import Role
from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import GivenMoment, Listed, Moment, PageQuery, View
from chalicelib.store import audit as stored


class EntryView(View):
    """Something that an organiser did. Each entry's seal covers the previous one, so none can be removed unnoticed."""

    chain: Annotated[int, Field(description="The chain of the log that the entry belongs to.")]
    number: int
    at: Moment
    action: Annotated[str, Field(examples=["order.cancelled"])]
    target: Annotated[str, Field(examples=["order:8WGRRPW3"])]
    by: Annotated[str, Field(description="The name of the token that was used, or `WhatsApp` and the phone number.")]
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
                description="Only entries about this: raffle:ID, order:CODE, contact:ID or token:ID.",
            ),
        ]
        | None
    ) = None
    by: Annotated[str, Field(min_length=1, max_length=60, description="Only entries under this name.")] | None = None
    action: (
        Annotated[str, Field(pattern=r"^[a-z_]{1,20}\.[a-z_]{1,40}$", description="Only these, such as order.paid.")]
        | None
    ) = None
    created_after: Annotated[GivenMoment, Field(description="Only entries of this time or later.")] | None = None
    created_before: Annotated[GivenMoment, Field(description="Only entries of before this time.")] | None = None


def list_audit(call: Call, query: AuditQuery) -> Listed[EntryView]:
    """List audit entries.

    What organisers did, newest first. A page may be short or even empty without being the last one: follow `next` until
    it is null.
    """
    return call.page(
        query,
        lambda after, backwards: stored.listed(
            target=query.target,
            by=query.by,
            action=query.action,
            created_after=query.created_after,
            created_before=query.created_before,
            limit=query.page_size,
            after=after,
            backwards=backwards,
        ),
        _present,
    )


def _present(entry: AuditEntry) -> EntryView:
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
