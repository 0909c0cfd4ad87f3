"""What commands show at a terminal: how far a check is, what it found, dead letters, what is sent, and money."""

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
from chalicelib.services.messaging.texts import money
from chalicelib.services.reports import RaffleReport
from chalicelib.store.dead_letters import DeadLetter

MOST_IDS = 5  # of orders, in a line
Progress = Callable[[str, int, int | None], None]


@contextmanager
def progress_on(stream: TextIO, what: str) -> Iterator[Progress]:
    """Bars where the stream is a terminal, which are gone afterwards; else a line when it begins.

    Bars need Rich, which is there for development only.
    """
    try:
        from rich.console import Console  # noqa: PLC0415 - not on Lambda, and not for other commands
        from rich.progress import Progress as Bars  # noqa: PLC0415
    except ImportError:
        rich = False
    else:
        rich = stream.isatty()
    if not rich:
        print(f"Checking {what} ...", file=stream, flush=True)
        yield lambda part, done, total: None
        return
    # Rich would send what is printed meanwhile to this stream, too.
    with Bars(console=Console(file=stream), transient=True, redirect_stdout=False, redirect_stderr=False) as bars:
        yield _shown_on(bars, what)


def _shown_on(bars: Any, what: str) -> Progress:
    tasks: dict[str, Any] = {}

    def show(part: str, done: int, total: int | None) -> None:
        if part not in tasks:
            tasks[part] = bars.add_task(f"{what}: {part}", total=total)
        bars.update(tasks[part], completed=done, total=total)

    return show


def findings(report: ConsistencyReport) -> list[str]:
    """The findings, two or three lines each; nothing when nothing differs."""
    lines = []
    for kind, found in sorted(report.findings.items()):
        counts = f"{found.count:,} found" + (f", {found.repaired:,} repaired" if found.repaired else "")
        more = ", ..." if found.count > len(found.examples) else ""
        lines += [f"  {kind}: {counts}", f"      {MEANINGS[kind]}", f"      {', '.join(found.examples)}{more}"]
    return lines + [f"  could not be compared while it changes: {what}" for what in report.not_compared]


def verdict(report: ConsistencyReport) -> str:
    """A report's last line."""
    raffle = report.raffle
    counts = (_of(raffle.total, "number"), _of(report.tickets, "ticket"), _of(report.orders, "order"))
    return f"Raffle {raffle.id} ({', '.join(counts)}): {_outcome(report)}."


def _outcome(report: ConsistencyReport) -> str:
    if not report.differences:
        compared = " as far as it could be compared" if report.not_compared else ""
        return f"nothing differs{compared}"
    said = _of(report.differences, "difference")
    if not report.left:
        return f"{said}, all repaired"
    if report.repaired:
        return f"{said}, {report.repaired:,} repaired, {report.left:,} left for a person to settle"
    parts = [f"--repair mends {report.repairable:,}"] if report.repairable else []
    parts += [f"a person must settle {report.left - report.repairable:,}"] if report.left > report.repairable else []
    return f"{said}; {', '.join(parts)}"


def in_columns(letter: DeadLetter) -> str:
    """A dead letter in a line."""
    at = letter.received_at.strftime("%Y-%m-%d %H:%M")
    return f"{letter.id}  {at}  {letter.tries}  {kind_of(letter):<10}  {letter.reason}"


def as_listed(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter for a program, without its body."""
    return {
        "id": letter.id,
        "received_at": letter.received_at.isoformat(),
        "tries": letter.tries,
        "kind": kind_of(letter),
        "reason": letter.reason,
    }


WAITING = {
    Queue.DUE: "wait to be sent",
    Queue.STOPPED: "wait until sending is resumed",
    Queue.UNDELIVERED: "were not delivered, or it is not known",
    Queue.WITHHELD: "were withheld: the person has opted out, or it was too late for them",
}


def sending(channel: Channel, waiting: Mapping[Queue, Sequence[Outbound]], *, most: int) -> list[str]:
    """Whether messages go out, how many of them wait, and which were not delivered."""
    lines = [_said_of(channel)]
    for queue, meaning in WAITING.items():
        if found := waiting[queue]:
            lines.append(f"{len(found):>6,}{'+' if len(found) == most else ''} {meaning}")
    lines += [
        f"  {one.created_at:%Y-%m-%d %H:%M}  {one.contact_id}  {one.state.value:<8} {_reason(one)}"
        for one in waiting[Queue.UNDELIVERED]
    ]
    return lines


def _said_of(channel: Channel) -> str:
    if channel.stopped is None:
        paused = f", from {channel.resumes_at:%Y-%m-%d %H:%M:%S} UTC on" if channel.resumes_at else ""
        return f"Messages are sent{paused}."
    what = "Nothing is sent" if channel.stopped is Stop.ALL else "Nothing is sent that was not asked for"
    reason = "by hand" if channel.code is None else f"WhatsApp refused with code {channel.code}"
    return f"{what} since {channel.since:%Y-%m-%d %H:%M} UTC: {reason}."


def _reason(outbound: Outbound) -> str:
    return "" if outbound.error_code is None else f"code {outbound.error_code}"


def sending_as_json(channel: Channel, waiting: Mapping[Queue, Sequence[Outbound]]) -> dict[str, Any]:
    """The same for a program."""
    return {
        "stopped": channel.stopped,
        "code": channel.code,
        "since": channel.since and channel.since.isoformat(),
        "resumes_at": channel.resumes_at and channel.resumes_at.isoformat(),
        "templates": sorted(channel.approved),
        "waiting": {queue.value: len(found) for queue, found in waiting.items()},
        "undelivered": [
            {
                "id": one.tag,
                "contact": one.contact_id,
                "created_at": one.created_at.isoformat(),
                "state": one.state.value,
                "code": one.error_code,
            }
            for one in waiting[Queue.UNDELIVERED]
        ],
    }


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def as_json(reports: Sequence[ConsistencyReport]) -> dict[str, Any]:
    """The reports for a program."""
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
                        "count": found.count,
                        "repaired": found.repaired,
                        "repairable": kind in DERIVED,
                        "remark": kind in REMARKS,
                        "examples": found.examples,
                    }
                    for kind, found in sorted(report.findings.items())
                ],
                "not_compared": report.not_compared,
            }
            for report in reports
        ],
    }


def report(made: RaffleReport) -> list[str]:
    """A raffle's money as a table, and what does not come out even under it."""
    raffle, found = made.board.raffle, made.report

    def row(what: str, part: Part, *, sign: int = 1) -> str:
        return f"  {what:<22}{part.orders:>9,} {part.numbers:>10,} {money(sign * part.amount, raffle.currency):>22}"

    lines = [
        f"Raffle {raffle.id} ({raffle.title}), {made.made_at.astimezone(found.zone):%Y-%m-%d %H:%M} {raffle.time_zone}",
        "",
        f"  {'':<22}{'orders':>9} {'numbers':>10} {'amount':>22}",
        row("confirmed", found.confirmed),
        row("refunded", found.refunded, sign=-1),
        f"  {'the raffle has':<42} {money(found.kept, raffle.currency):>22}",
        f"  {'the board says':<22}{'':>9} {made.board.sold:>10,} {money(made.board.paid, raffle.currency):>22}",
    ]
    if len(found.prices) > 1:
        lines += [
            "",
            *(row(f"at {money(price, raffle.currency)}", part) for price, part in sorted(found.prices.items())),
        ]
    if found.days:
        lines += ["", f"  {'day':<12}{'orders':>9} {'numbers':>10} {'confirmed':>22} {'refunded':>22}"]
        lines += [_day(day, sums, raffle.currency) for day, sums in sorted(found.days.items())]
    settle = [_settle("paid too late, to be reassigned or refunded", found.late.part.orders, found.late.ids)]
    settle += [_settle("with a rejected proof, not paid since", found.rejected.part.orders, found.rejected.ids)]
    settle += [_settle("refunded without having been confirmed", found.given_back.orders, ())]
    if made.undelivered:
        settle.append(f"  {made.undelivered:>6,} messages to its buyers were not delivered")
    lines += ["", *filter(None, settle)] if any(settle) else []
    changed = "  (payments were confirmed or refunded while this was read)" if made.changed else None
    differs = [f"  {one.what}: {one.by:+,}. {DIFFERENCES[one.what]}" for one in made.differences]
    return [*lines, "", *(differs or ["  It comes out even."]), *filter(None, [changed])]


def _day(day: date, sums: Day, currency: str) -> str:
    refunded = money(-sums.refunded.amount, currency) if sums.refunded.amount else ""
    confirmed = sums.confirmed
    return (
        f"  {day.isoformat():<12}{confirmed.orders:>9,} {confirmed.numbers:>10,} "
        f"{money(confirmed.amount, currency):>22} {refunded:>22}"
    ).rstrip()


def _settle(what: str, count: int, ids: Sequence[str]) -> str | None:
    named = f": {', '.join(ids[:MOST_IDS])}{', ...' if count > MOST_IDS else ''}" if ids else ""
    return f"  {count:>6,} {what}{named}" if count else None
