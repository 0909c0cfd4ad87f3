"""The organiser's commands: `python -m chalicelib --help`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from chalicelib.cli.output import (
    as_json,
    as_listed,
    findings,
    in_columns,
    progress_on,
    report,
    sending,
    sending_as_json,
    verdict,
)
from chalicelib.container import container
from chalicelib.domain.audit import CHAINS, flaws
from chalicelib.domain.channel import Stop
from chalicelib.domain.consistency import ConsistencyReport
from chalicelib.domain.delivery import Queue
from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.domain.refusals import RaffleNotFound, Refusal, TokenKnown, TryAgain
from chalicelib.services.messaging.templates import APPROVED
from chalicelib.settings import SettingsInvalid
from chalicelib.store import audit, messages, raffles
from chalicelib.store import channel as channels
from chalicelib.store.transaction import Busy
from chalicelib.telemetry import in_a_terminal

MOST_SHOWN = 1000  # messages of a queue


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 refused by a rule or differences left, 2 called wrongly or not configured, 3 failed."""
    given = _parser().parse_args(arguments)
    try:
        with in_a_terminal():
            return int(given.command(given))
    except SettingsInvalid as failure:
        print(f"tombola: {failure}", file=sys.stderr)
        return 2
    except Busy:
        return _refused(TryAgain())
    except Refusal as refusal:
        return _refused(refusal)
    except Exception as failure:  # noqa: BLE001 - whoever calls this is no developer; 1 would say that rules refused it
        print(f"tombola: it failed, {type(failure).__name__}: {_first_line(failure)}", file=sys.stderr)
        return 3


def _first_line(failure: Exception) -> str:
    return next(iter(str(failure).splitlines()), "no reason was given")


def _refused(refusal: Refusal) -> int:
    print(f"tombola: {refusal}", file=sys.stderr)
    return 1


def _create_token(given: argparse.Namespace) -> int:
    expires_at = container().clock() + timedelta(days=given.days) if given.days else None
    try:
        made = container().tokens.create(
            given.name, Role(given.role), by=COMMAND_LINE, key=given.key, expires_at=expires_at
        )
    except TokenKnown:  # whoever sets things up twice has what they wanted
        print("This token exists already.")
        return 0
    if given.key is None:
        print(f"{made.key}\nKeep it: only its hash is stored, so it can't be shown again.")
    else:
        print(f"Token {given.name} made.")
    return 0


def _check_audit(given: argparse.Namespace) -> int:
    container()
    entries, found = 0, list[str]()
    with progress_on(sys.stderr, "the audit log") as progress:
        for chain in range(CHAINS):
            head = audit.head_of(chain)
            entries += head.number
            found += [f"chain {chain}: {flaw}" for flaw in flaws(audit.entries_of(chain, head.number), head)]
            progress("chains", chain + 1, CHAINS)
    if given.json:
        print(json.dumps({"entries": entries, "flaws": found}, indent=2))
    else:
        print("\n".join([*found, f"{entries:,} entries, {len(found) or 'nothing'} wrong."]))
    return 1 if found else 0


def _generate_tickets(given: argparse.Namespace) -> int:
    service = container().raffles
    found = service.generate_tickets(raffles.id_of(given.raffle), by=COMMAND_LINE, force=given.force)
    print(f"The board of raffle {given.raffle} is ready: {found.available:,} of {found.total:,} numbers available.")
    return 0


def _list_letters(given: argparse.Namespace) -> int:
    letters = container().dead_letters
    letters.collect()
    found = letters.list_all()
    if given.json:
        print(json.dumps([as_listed(letter) for letter in found], indent=2))
    else:
        print("\n".join([in_columns(letter) for letter in found] or ["There are no dead letters."]))
    return 0


def _show_letter(given: argparse.Namespace) -> int:
    letter = container().dead_letters.get(given.letter)
    print(f"{in_columns(letter)}\n\n{letter.body}")
    return 0


def _replay_letters(given: argparse.Namespace) -> int:
    letters = container().dead_letters
    if bool(given.letters) == given.all:
        print("tombola: name the dead letters, or say --all", file=sys.stderr)
        return 2
    for letter_id in given.letters or [letter.id for letter in letters.list_all()]:
        queued = letters.replay(letter_id, by=COMMAND_LINE)
        print(
            f"{letter_id}: {queued} {'update is' if queued == 1 else 'updates are'} in the queue once more", flush=True
        )
    return 0


def _report(given: argparse.Namespace) -> int:
    made = container().reports.report(raffles.id_of(given.raffle))
    if given.json:
        from chalicelib.http.reports import present  # noqa: PLC0415 - the API's form, which other commands do without

        print(present(made).model_dump_json(indent=2))
    else:
        print("\n".join(report(made)))
    return 1 if made.differences else 0


def _show_sending(given: argparse.Namespace) -> int:
    container()
    channel, waiting = channels.read(), {queue: messages.waiting(queue, limit=MOST_SHOWN) for queue in Queue}
    if given.json:
        print(json.dumps(sending_as_json(channel, waiting), indent=2))
    else:
        print("\n".join(sending(channel, waiting, most=MOST_SHOWN)))
    return 0


def _stop_sending(_: argparse.Namespace) -> int:
    channels.stop(Stop.ALL, container().clock(), code=None)
    print("Nothing is sent any more. What is to be said waits for: python -m chalicelib sending resume")
    return 0


def _resume_sending(_: argparse.Namespace) -> int:
    channels.resume(container().clock())
    print("Messages are sent again; what has waited goes out within a minute or two.")
    return 0


def _templates(given: argparse.Namespace) -> int:
    templates = container().templates
    found = templates.submit() if given.submit else templates.check()
    if given.json:
        print(json.dumps([standing._asdict() for standing in found], indent=2))
    else:
        print("\n".join(f"{one.name:<28}{one.language:<7}{one.status}" for one in found))
    return 0 if all(one.status == APPROVED for one in found) else 1


def _check_contacts(given: argparse.Namespace) -> int:
    with progress_on(sys.stderr, "contacts") as progress:
        found = container().contact_index.check(repair=given.repair, progress=progress)
    if given.json:
        print(json.dumps(asdict(found), indent=2))
    else:
        print(
            f"{found.contacts:,} contacts: {found.unfiled:,} were not where lists and searches look for them, "
            f"{found.repaired:,} repaired."
        )
    return 1 if found.left else 0


def _check(given: argparse.Namespace) -> int:
    if given.contacts:
        return _check_contacts(given)
    consistency, reports = container().consistency, list[ConsistencyReport]()
    for raffle_id in [raffles.id_of(given.raffle)] if given.raffle else consistency.raffle_ids():
        try:
            with progress_on(sys.stderr, f"raffle {raffle_id}") as progress:
                report = consistency.check(raffle_id, repair=given.repair, progress=progress)
        except RaffleNotFound as refusal:
            if not given.raffle:  # deleted since they were listed
                continue
            # Not 1: that says that something differs.
            print(f"tombola: {refusal}", file=sys.stderr)
            return 2
        reports.append(report)
        if not given.json:
            print("\n".join([*findings(report), verdict(report)]), flush=True)
    if given.json:
        print(json.dumps(as_json(reports), indent=2))
    elif not reports:
        print("There are no raffles.")
    return 1 if any(report.left for report in reports) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chalicelib", description="What organisers do from a terminal.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    token = commands.add_parser("create-token", help="make an API token and show it once")
    token.add_argument("name", metavar="NAME", help="who or what uses it; shown wherever it acts")
    token.add_argument(
        "--role", choices=[role.value for role in Role], default=Role.MANAGER.value, help="what it may do (manager)"
    )
    token.add_argument("--days", type=int, help="how long it is good; without it, until it is revoked")
    token.add_argument("--key", help="use this key instead of a random one (for development)")
    token.set_defaults(command=_create_token)

    tickets = commands.add_parser("generate-tickets", help="prepare or reset the board of an unsold raffle")
    tickets.add_argument("raffle", metavar="RAFFLE", help="the raffle's id or its code")
    tickets.add_argument("--force", action="store_true", help="make it anew even if it was made before")
    tickets.set_defaults(command=_generate_tickets)

    check = commands.add_parser("check", help="compare the board with tickets and orders, and repair it if asked to")
    check.add_argument(
        "raffle", metavar="RAFFLE", nargs="?", help="the raffle's id or its code; without it, all raffles"
    )
    check.add_argument(
        "--contacts",
        action="store_true",
        help="instead: whether lists and searches find each contact; this reads the whole table",
    )
    check.add_argument("--repair", action="store_true", help="make anew what follows from tickets and orders")
    check.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    check.set_defaults(command=_check)

    audited = commands.add_parser("check-audit", help="whether the audit log is whole and unchanged")
    audited.add_argument("--json", action="store_true", help="print JSON, for programs")
    audited.set_defaults(command=_check_audit)

    reported = commands.add_parser(
        "report", help="a raffle's money: sold against paid, by day; exit status 1 when that does not come out even"
    )
    reported.add_argument("raffle", metavar="RAFFLE", help="the raffle's id or its code")
    reported.add_argument("--json", action="store_true", help="print JSON, as the API answers it")
    reported.set_defaults(command=_report)

    sending_ = commands.add_parser("sending", help="whether messages go out, and what waits or was not delivered")
    sending_.add_argument("--json", action="store_true", help="print JSON, for programs")
    sending_.set_defaults(command=_show_sending)
    options = sending_.add_subparsers(metavar="stop|resume")
    options.add_parser("stop", help="send nothing until it is resumed").set_defaults(command=_stop_sending)
    resumed = options.add_parser("resume", help="send again, when what WhatsApp refused us for is mended")
    resumed.set_defaults(command=_resume_sending)

    approved = commands.add_parser(
        "templates",
        help="how WhatsApp stands to our templates, which reach who has not written for a day; "
        "exit status 1 while one is not approved",
    )
    approved.add_argument("--submit", action="store_true", help="submit those that WhatsApp does not have yet")
    approved.add_argument("--json", action="store_true", help="print JSON, for programs")
    approved.set_defaults(command=_templates)

    letters = commands.add_parser("dead-letters", help="what WhatsApp handed over and nothing could be made of")
    actions = letters.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="all of them, the oldest first: id, time, tries, what it is, reason")
    listed.add_argument("--json", action="store_true", help="print JSON, for programs")
    listed.set_defaults(command=_list_letters)
    shown = actions.add_parser("show", help="one of them whole; it may hold personal data")
    shown.add_argument("letter", metavar="ID")
    shown.set_defaults(command=_show_letter)
    replayed = actions.add_parser("replay", help="put them into the queue once more, when the reason is mended")
    replayed.add_argument("letters", metavar="ID", nargs="*")
    replayed.add_argument("--all", action="store_true", help="all that are listed")
    replayed.set_defaults(command=_replay_letters)
    return parser
