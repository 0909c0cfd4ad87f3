"""The output of the commands: progress, findings of a check, dead letters, the state of sending, and reports."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, TextIO

from chalicelib.domain.channel import Channel, Stop
from chalicelib.domain.consistency import DERIVED, MEANINGS, REMARKS, ConsistencyReport
from chalicelib.domain.delivery import Outbound, Queue
from chalicelib.domain.reports import MEANINGS as DIFFERENCES
from chalicelib.domain.reports import Day, Part
from chalicelib.services.messaging.dead_letters import kind_of
from chalicelib.services.messaging.formats import Formats
from chalicelib.services.reports import RaffleReport
from chalicelib.store.dead_letters import DeadLetter

MAX_IDS = 5  # order ids in a line
money = Formats().money
Progress = Callable[[str, int, int | None], None]


@contextmanager
def progress_on(stream: TextIO, subject: str) -> Iterator[Progress]:
    """Show temporary progress bars if the stream is a terminal, otherwise one line at the start.

    Bars need Rich, which is installed for development only.
    """
    try:
        from rich.console import Console  # noqa: PLC0415 - optional, and not needed by other commands
        from rich.progress import Progress as Bars  # noqa: PLC0415 - likewise
    except ImportError:
        rich = False
    else:
        rich = stream.isatty()
    if not rich:
        print(f"Checking {subject} ...", file=stream, flush=True)
        yield lambda part, done, total: None
        return
    # By default, Rich would redirect everything that is printed meanwhile to this stream.
    with Bars(console=Console(file=stream), transient=True, redirect_stdout=False, redirect_stderr=False) as bars:
        yield _bar_updater(bars, subject)


def _bar_updater(bars: Any, subject: str) -> Progress:
    tasks: dict[str, Any] = {}

    def update(part: str, done: int, total: int | None) -> None:
        if part not in tasks:
            tasks[part] = bars.add_task(f"{subject}: {part}", total=total)
        bars.update(tasks[part], completed=done, total=total)

    return update


def findings(report: ConsistencyReport) -> list[str]:
    """Return three lines for each kind of difference, and one for whatever could not be compared."""
    lines = []
    for kind, finding in sorted(report.findings.items()):
        counts = f"{finding.count:,} found" + (f", {finding.repaired:,} repaired" if finding.repaired else "")
        more = ", ..." if finding.count > len(finding.examples) else ""
        lines += [f"  {kind}: {counts}", f"      {MEANINGS[kind]}", f"      {', '.join(finding.examples)}{more}"]
    return lines + [f"  could not be compared because it kept changing: {part}" for part in report.not_compared]


def verdict(report: ConsistencyReport) -> str:
    """Return a report's last line."""
    raffle = report.raffle
    counts = (plural(raffle.total, "number"), plural(report.tickets, "ticket"), plural(report.orders, "order"))
    return f"Raffle {raffle.id} ({', '.join(counts)}): {_outcome(report)}."


def _outcome(report: ConsistencyReport) -> str:
    if not report.differences:
        return "no differences in what could be compared" if report.not_compared else "no differences"
    differences = plural(report.differences, "difference")
    if not report.left:
        return f"{differences}, all repaired"
    if report.repaired:
        return f"{differences}, {report.repaired:,} repaired, {report.left:,} to settle by hand"
    parts = [f"--repair can fix {report.repairable:,}"] if report.repairable else []
    parts += [f"{report.left - report.repairable:,} to settle by hand"] if report.left > report.repairable else []
    return f"{differences}; {', '.join(parts)}"


def in_columns(letter: DeadLetter) -> str:
    """Return a dead letter as one line."""
    received_at = f"{letter.received_at:%Y-%m-%d %H:%M}"
    return f"{letter.id}  {received_at}  {letter.tries}  {kind_of(letter):<10}  {letter.reason}"


def as_listed(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as JSON, without its body."""
    return {
        "id": letter.id,
        "received_at": letter.received_at.isoformat(),
        "tries": letter.tries,
        "kind": kind_of(letter),
        "reason": letter.reason,
    }


QUEUE_MEANINGS = {
    Queue.DUE: "waiting to be sent",
    Queue.STOPPED: "waiting until sending is resumed",
    Queue.UNDELIVERED: "not delivered, or unknown whether delivered",
    Queue.WITHHELD: "withheld: the person has opted out, or it was too late to send them",
}


def sending(channel: Channel, waiting: Mapping[Queue, Sequence[Outbound]], *, most: int) -> list[str]:
    """Describe whether messages are sent, how many wait, and which were not delivered."""
    lines = [_channel_state(channel)]
    for queue, meaning in QUEUE_MEANINGS.items():
        if messages := waiting[queue]:
            lines.append(f"{len(messages):>6,}{'+' if len(messages) == most else ''} {meaning}")
    lines += [
        f"  {message.created_at:%Y-%m-%d %H:%M}  {message.contact_id}  {message.state.value:<8} {_error(message)}"
        for message in waiting[Queue.UNDELIVERED]
    ]
    return lines


def _channel_state(channel: Channel) -> str:
    if channel.stopped is None:
        paused = f" from {channel.resumes_at:%Y-%m-%d %H:%M:%S} UTC on" if channel.resumes_at else ""
        return f"Messages are sent{paused}."
    scope = "Nothing has been sent" if channel.stopped is Stop.ALL else "Only answers have been sent"
    reason = "stopped by hand" if channel.code is None else f"WhatsApp refused with code {channel.code}"
    return f"{scope} since {channel.since:%Y-%m-%d %H:%M} UTC: {reason}."


def _error(message: Outbound) -> str:
    return "" if message.error_code is None else f"code {message.error_code}"


def sending_as_json(channel: Channel, waiting: Mapping[Queue, Sequence[Outbound]]) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "stopped": channel.stopped,
        "code": channel.code,
        "since": channel.since and channel.since.isoformat(),
        "resumes_at": channel.resumes_at and channel.resumes_at.isoformat(),
        "templates": sorted(channel.approved),
        "waiting": {queue.value: len(messages) for queue, messages in waiting.items()},
        "undelivered": [
            {
                "id": message.tag,
                "contact": message.contact_id,
                "created_at": message.created_at.isoformat(),
                "state": message.state.value,
                "code": message.error_code,
            }
            for message in waiting[Queue.UNDELIVERED]
        ],
    }


def plural(count: int, singular: str, plural: str | None = None) -> str:
    """Return the count with its noun, such as "1 order" or "2 orders"."""
    return f"{count:,} {singular if count == 1 else plural or f'{singular}s'}"


def as_json(reports: Sequence[ConsistencyReport]) -> dict[str, Any]:
    """Return the reports as JSON."""
    return {
        "differences": sum(report.differences for report in reports),
        "repaired": sum(report.repaired for report in reports),
        "left": sum(report.left for report in reports),
        "raffles": [
            {
                "id": report.raffle.id,
                "numbers": report.raffle.total,
                "tickets": report.tickets,
                "orders": report.orders,
                "findings": [
                    {
                        "kind": kind.value,
                        "count": finding.count,
                        "repaired": finding.repaired,
                        "repairable": kind in DERIVED,
                        "remark": kind in REMARKS,
                        "examples": finding.examples,
                    }
                    for kind, finding in sorted(report.findings.items())
                ],
                "not_compared": report.not_compared,
            }
            for report in reports
        ],
    }


def report(raffle_report: RaffleReport) -> list[str]:
    """Return a raffle's money as a table, followed by what is left to settle and any differences."""
    board = raffle_report.board
    raffle = board.raffle
    totals = raffle_report.report
    made_at = raffle_report.made_at.astimezone(totals.zone)

    def row(label: str, part: Part, *, sign: int = 1) -> str:
        return f"  {label:<22}{part.orders:>9,} {part.numbers:>10,} {money(sign * part.amount, raffle.currency):>22}"

    lines = [
        f"Raffle {raffle.id} ({raffle.title}), {made_at:%Y-%m-%d %H:%M} {raffle.time_zone}",
        "",
        f"  {'':<22}{'orders':>9} {'numbers':>10} {'amount':>22}",
        row("confirmed", totals.confirmed),
        row("refunded", totals.refunded, sign=-1),
        f"  {'confirmed minus refunded':<42} {money(totals.kept, raffle.currency):>22}",
        f"  {'on the board':<22}{'':>9} {board.sold:>10,} {money(board.paid, raffle.currency):>22}",
    ]
    if len(totals.prices) > 1:
        lines += [
            "",
            *(row(f"at {money(price, raffle.currency)}", part) for price, part in sorted(totals.prices.items())),
        ]
    if totals.days:
        lines += ["", f"  {'day':<12}{'orders':>9} {'numbers':>10} {'confirmed':>22} {'refunded':>22}"]
        lines += [_day(day, sums, raffle.currency) for day, sums in sorted(totals.days.items())]
    settle = [
        _settle("paid late, to reassign or refund", totals.late.part.orders, totals.late.ids),
        _settle("with a rejected proof and not paid since", totals.rejected.part.orders, totals.rejected.ids),
        _settle("refunded without ever being confirmed", totals.given_back.orders, ()),
    ]
    if raffle_report.undelivered:
        settle.append(f"  {raffle_report.undelivered:>6,} messages to buyers were not delivered")
    lines += ["", *filter(None, settle)] if any(settle) else []
    changed = "  (Payments were confirmed or refunded during the reading.)" if raffle_report.changed else None
    differences = [
        f"  {difference.what}: {difference.by:+,}. {DIFFERENCES[difference.what]}"
        for difference in raffle_report.differences
    ]
    return [*lines, "", *(differences or ["  Orders and board agree."]), *filter(None, [changed])]


def _day(day: date, sums: Day, currency: str) -> str:
    refunded = money(-sums.refunded.amount, currency) if sums.refunded.amount else ""
    confirmed = sums.confirmed
    return (
        f"  {day.isoformat():<12}{confirmed.orders:>9,} {confirmed.numbers:>10,} "
        f"{money(confirmed.amount, currency):>22} {refunded:>22}"
    ).rstrip()


def _settle(label: str, count: int, ids: Sequence[str]) -> str | None:
    listed = f": {', '.join(ids[:MAX_IDS])}{', ...' if count > MAX_IDS else ''}" if ids else ""
    return f"  {count:>6,} {label}{listed}" if count else None
