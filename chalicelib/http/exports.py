"""Exports over REST: a file at once where it is small, a link to it later where it is not."""

from typing import Annotated, Any, ClassVar, Self

from chalice.app import Response
from pydantic import ConfigDict, Field, model_validator

from chalicelib.domain.exports import UNFINISHED, ExportRequest, ExportStatus, Format, Of, Reason
from chalicelib.domain.raffles import TicketStatus
from chalicelib.http.dispatch import WAIT, Bytes, Call, accepted
from chalicelib.http.schemas import Form, Moment, Query, View, only_if


def _with_status(of: Of, status: TicketStatus | None) -> None:
    if status is not None and of is not Of.TICKETS:
        raise ValueError("status: expected only where tickets are exported")


class ExportQuery(Query):
    format: Format = Format.CSV
    of: Annotated[Of, Field(description="what a row is about")] = Of.TICKETS
    status: Annotated[TicketStatus, Field(description="only tickets that have it")] | None = None

    @model_validator(mode="after")
    def _of_tickets(self) -> Self:
        _with_status(self.of, self.status)
        return self


class ExportBody(Form):
    """What to export."""

    model_config = ConfigDict(
        json_schema_extra=only_if(
            {"of": {"enum": [Of.ORDERS.value, Of.BUYERS.value]}}, then={"status": {"type": "null"}}
        )
    )

    format: Annotated[Format, Field(strict=False)] = Format.CSV
    of: Annotated[Of, Field(strict=False, description="what a row is about")] = Of.TICKETS
    status: Annotated[TicketStatus, Field(strict=False, description="only tickets that have it")] | None = None

    @model_validator(mode="after")
    def _of_tickets(self) -> Self:
        _with_status(self.of, self.status)
        return self


class ExportView(View):
    """An export that is made in the background. It vanishes after a week."""

    IS: ClassVar = "export_id"

    id: str
    raffle: str
    of: Of
    format: Format
    ticket_status: Annotated[TicketStatus | None, Field(description="only tickets that have it; null: all")]
    status: ExportStatus
    reason: Annotated[Reason | None, Field(description="why it failed")]
    rows: Annotated[int | None, Field(description="how many there will be; null: not counted yet")]
    done: Annotated[int, Field(description="how many rows are written")]
    progress: Annotated[int, Field(ge=0, le=100, description="per cent of the work")]
    size: Annotated[int | None, Field(description="bytes of the file")]
    file_name: str
    url: Annotated[str | None, Field(description="the file; the link is new each time, and lives five minutes")]
    url_expires_at: Moment | None
    created_at: Moment
    updated_at: Moment
    finished_at: Moment | None
    vanishes_at: Moment


def export_raffle(call: Call, raffle_id: str, query: ExportQuery) -> Response:
    """Export tickets, orders or buyers as CSV or XLSX.

    A file of up to 10,000 rows is the answer; of a larger one a link is made in the background.
    """
    wanted = ExportRequest(raffle_id, query.of, query.format, query.status)
    file = call.container.exports.file(wanted, by=call.by)
    if file is None:
        return _on_its_way(call, wanted)
    return Bytes(file.content, {"Content-Type": file.content_type, "Content-Disposition": file.disposition})


def start_export(call: Call, raffle_id: str, body: ExportBody) -> Response:
    """Have an export made in the background, however small.

    The same that is on its way already is answered with that one.
    """
    return _on_its_way(call, ExportRequest(raffle_id, body.of, body.format, body.status))


def read_export(call: Call, export_id: str) -> ExportView:
    """How far an export is, and where its file is when it is READY."""
    view = _view(call, export_id)
    if view.status in UNFINISHED:
        call.headers["Retry-After"] = str(WAIT)
    return view


def _on_its_way(call: Call, wanted: ExportRequest) -> Response:
    asked = call.container.exports.ask(
        wanted, by=call.by, idempotency_key=call.idempotency_key if call.route.once else None
    )
    return accepted(call, _view(call, asked.id), at=f"/exports/{asked.id}")


def _view(call: Call, export_id: str) -> ExportView:
    export, url, url_expires_at = call.container.exports.get(export_id)
    fields: dict[str, Any] = {name: getattr(export, name) for name in ExportView.model_fields if hasattr(export, name)}
    return ExportView(
        **fields,
        raffle=export.wanted.raffle_id,
        of=export.wanted.of,
        format=export.wanted.format,
        ticket_status=export.wanted.status,
        url=url,
        url_expires_at=url_expires_at,
    )
