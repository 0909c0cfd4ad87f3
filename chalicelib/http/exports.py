"""Exports of tickets, orders or buyers as CSV or XLSX: at once if small, otherwise in the background."""

from typing import Annotated, Any, ClassVar, Self

from chalice.app import Response
from pydantic import ConfigDict, Field, model_validator

from chalicelib.domain.exports import UNFINISHED, ExportRequest, ExportStatus, Format, Of, Reason
from chalicelib.domain.raffles import TicketStatus
from chalicelib.http.dispatch import RETRY_AFTER, BinaryResponse, Call, accepted
from chalicelib.http.schemas import Form, Listed, Moment, Query, View, only_if
from chalicelib.services.exports.service import ExportLink
from chalicelib.store import raffles


def _check_status(of: Of, status: TicketStatus | None) -> None:
    if status is not None and of is not Of.TICKETS:
        raise ValueError("status: expected only when tickets are exported")


class ExportQuery(Query):
    format: Annotated[Format, Field(description="The file format.")] = Format.CSV
    of: Annotated[Of, Field(description="What a row of the file is about.")] = Of.TICKETS
    status: Annotated[TicketStatus, Field(description="Only tickets with this status.")] | None = None

    @model_validator(mode="after")
    def _of_tickets(self) -> Self:
        _check_status(self.of, self.status)
        return self


class ExportBody(Form):
    """What to export."""

    model_config = ConfigDict(
        json_schema_extra=only_if(
            {"of": {"enum": [Of.ORDERS.value, Of.BUYERS.value]}}, then={"status": {"type": "null"}}
        )
    )

    format: Annotated[Format, Field(strict=False)] = Format.CSV
    of: Annotated[Of, Field(strict=False, description="What a row of the file is about.")] = Of.TICKETS
    status: Annotated[TicketStatus, Field(strict=False, description="Only tickets with this status.")] | None = None

    @model_validator(mode="after")
    def _of_tickets(self) -> Self:
        _check_status(self.of, self.status)
        return self


class ExportView(View):
    """An export that is created in the background and deleted after a week."""

    ID_PARAMETER: ClassVar = "export_id"

    id: str
    raffle: str
    of: Of
    format: Format
    ticket_status: Annotated[TicketStatus | None, Field(description="Only tickets with this status; null for all.")]
    status: ExportStatus
    reason: Annotated[Reason | None, Field(description="Why it failed.")]
    rows: Annotated[int | None, Field(description="How many rows there will be; null until they are counted.")]
    done: Annotated[int, Field(description="How many rows have been written.")]
    progress: Annotated[int, Field(ge=0, le=100, description="The progress in per cent.")]
    size: Annotated[int | None, Field(description="The size of the file in bytes.")]
    file_name: str
    url: Annotated[str | None, Field(description="A link to the file, valid for five minutes.")]
    url_expires_at: Moment | None
    created_at: Moment
    updated_at: Moment
    finished_at: Moment | None
    vanishes_at: Moment


def export_raffle(call: Call, raffle_id: str, query: ExportQuery) -> Response:
    """Export tickets, orders or buyers as CSV or XLSX.

    The answer is the file if it has up to 10,000 rows and 4 MB. A larger one is created in the background (202).
    """
    request = ExportRequest(raffle_id, query.of, query.format, query.status)
    file = call.container.exports.make_at_once(request, by=call.by)
    if file is None:
        return _start(call, request)
    return BinaryResponse(file.content, {"Content-Type": file.content_type, "Content-Disposition": file.disposition})


def start_export(call: Call, raffle_id: str, body: ExportBody) -> Response:
    """Start an export in the background.

    If the same export is already running, the answer is that one.
    """
    return _start(call, ExportRequest(raffle_id, body.of, body.format, body.status))


def list_exports(call: Call, raffle_id: str) -> Listed[ExportView]:
    """List the exports of a raffle.

    Those made in the background in the last week: the newest of each kind, newest first. Get one for a link to its
    file.
    """
    raffle = raffles.get(raffle_id)
    exports = call.container.exports.latest(raffle.id)
    return Listed.model_construct(
        results=[_present(ExportLink(export)) for export in exports], next=None, previous=None
    )


def read_export(call: Call, export_id: str) -> ExportView:
    """Get the progress of an export.

    Once it is READY, `url` leads to the file. The audit log records who asked for it.
    """
    view = _view(call, export_id)
    if view.status in UNFINISHED:
        call.headers["Retry-After"] = str(RETRY_AFTER)
    return view


def _start(call: Call, request: ExportRequest) -> Response:
    export = call.container.exports.enqueue(
        request, by=call.by, idempotency_key=call.idempotency_key if call.route.once else None
    )
    return accepted(call, _view(call, export.id), at=f"/exports/{export.id}")


def _view(call: Call, export_id: str) -> ExportView:
    return _present(call.container.exports.get(export_id, by=call.by))


def _present(link: ExportLink) -> ExportView:
    export, url, url_expires_at = link
    fields: dict[str, Any] = {name: getattr(export, name) for name in ExportView.model_fields if hasattr(export, name)}
    return ExportView(
        **fields,
        raffle=export.request.raffle_id,
        of=export.request.of,
        format=export.request.format,
        ticket_status=export.request.status,
        url=url,
        url_expires_at=url_expires_at,
    )
