"""The commands for organisers: `python -m chalicelib --help`."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import segno

from chalicelib.cli.output import (
    as_json,
    as_listed,
    findings,
    in_columns,
    plural,
    progress_on,
    report,
    sending,
    sending_as_json,
    verdict,
)
from chalicelib.container import container
from chalicelib.domain.audit import CHAINS, KeptHeads, flaws
from chalicelib.domain.consistency import ConsistencyReport
from chalicelib.domain.delivery import Queue
from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.domain.refusals import RaffleNotFound, Refusal, TokenKnown, TryAgain
from chalicelib.domain.token_keys import KeyForm, form_of
from chalicelib.services.maintenance.contact_index import IndexCheckResult
from chalicelib.services.maintenance.proof_files import ProofFilesResult
from chalicelib.services.messaging.templates import APPROVED
from chalicelib.services.tokens import MAX_KEY_LENGTH
from chalicelib.settings import SettingsInvalid
from chalicelib.store import audit, messages, raffles
from chalicelib.store import channel as channels
from chalicelib.store.transaction import Busy
from chalicelib.telemetry import only_errors_to_stderr

LOCAL_CONSOLE = "http://127.0.0.1:8000/console/"
MAX_SHOWN = 1000  # messages of a queue
OLDEST_HEADS = timedelta(hours=3)  # the newest heads of the audit log that were kept; they are each hour


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    0: done; 1: refused by a rule, or there are differences; 2: wrong usage or not configured; 3: failed.
    """
    options = _parser().parse_args(arguments)
    try:
        with only_errors_to_stderr():
            return int(options.command(options))
    except SettingsInvalid as failure:
        _complain(str(failure))
        return 2
    except Busy:
        _complain(str(TryAgain()))
        return 1
    except Refusal as refusal:
        _complain(str(refusal))
        return 1
    except Exception as failure:  # noqa: BLE001 - a traceback helps no organiser, and its status would be that of a refusal
        reason = next(iter(str(failure).splitlines()), "no reason was given")
        _complain(f"the command failed with {type(failure).__name__}: {reason}")
        return 3


def _complain(text: str) -> None:
    print(f"tombola: {text}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chalicelib", description="Commands for organisers of raffles.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    create_token = commands.add_parser("create-token", help="create an API token and show its key once")
    create_token.add_argument("name", metavar="NAME", help="who or what uses it; shown wherever it acts")
    create_token.add_argument(
        "--role",
        choices=[role.value for role in Role],
        default=Role.MANAGER.value,
        help="what it may do (default: %(default)s)",
    )
    create_token.add_argument("--days", type=int, help="days until it expires (default: never)")
    create_token.add_argument("--key", type=_own_key, help="use this key instead of a random one, for development")
    create_token.set_defaults(command=_create_token)
    _add_create_link(commands)

    generate_tickets = commands.add_parser(
        "generate-tickets", help="confirm that the numbers of an unsold raffle are ready"
    )
    _add_raffle(generate_tickets)
    generate_tickets.add_argument("--force", action="store_true", help="has no further effect")
    generate_tickets.set_defaults(command=_generate_tickets)

    check = commands.add_parser("check", help="compare a raffle's board, tickets and orders, and repair differences")
    check.add_argument("raffle", metavar="RAFFLE", nargs="?", help="the raffle's id or code (default: all raffles)")
    check.add_argument(
        "--contacts",
        action="store_true",
        help="check instead that lists and searches find every contact; reads the whole table",
    )
    check.add_argument(
        "--files",
        action="store_true",
        help="check instead that an order names each stored proof, and with --repair remove those that none names; "
        "reads the whole table",
    )
    check.add_argument("--repair", action="store_true", help="repair what can be derived from tickets and orders")
    _add_json(check)
    check.set_defaults(command=_check)

    _add_check_audit(commands)
    _add_confirm_payment_change(commands)
    report_parser = commands.add_parser(
        "report", help="show a raffle's money, by day and by price; exit status 1 if orders and board differ"
    )
    _add_raffle(report_parser)
    report_parser.add_argument("--json", action="store_true", help="print the JSON that the API answers")
    report_parser.set_defaults(command=_report)

    sending_parser = commands.add_parser("sending", help="show whether messages are sent, or stop and resume sending")
    _add_json(sending_parser)
    sending_parser.set_defaults(command=_show_sending)
    sending_actions = sending_parser.add_subparsers(metavar="stop|resume")
    stop = sending_actions.add_parser("stop", help="send nothing until sending is resumed")
    stop.set_defaults(command=_stop_sending)
    resume = sending_actions.add_parser("resume", help="send again, once the cause of a stop is fixed")
    resume.set_defaults(command=_resume_sending)

    templates = commands.add_parser(
        "templates",
        help="show the status of our message templates at WhatsApp; exit status 1 unless all are approved",
    )
    templates.add_argument("--submit", action="store_true", help="submit the templates that WhatsApp does not have yet")
    _add_json(templates)
    templates.set_defaults(command=_templates)

    dead_letters = commands.add_parser("dead-letters", help="show updates from WhatsApp that could not be handled")
    letter_actions = dead_letters.add_subparsers(required=True, metavar="ACTION")
    list_letters = letter_actions.add_parser("list", help="list them, oldest first: id, time, tries, kind, reason")
    _add_json(list_letters)
    list_letters.set_defaults(command=_list_letters)
    show_letter = letter_actions.add_parser("show", help="show one with its body, which may contain personal data")
    show_letter.add_argument("letter", metavar="ID")
    show_letter.set_defaults(command=_show_letter)
    replay = letter_actions.add_parser("replay", help="put them back into the queue, once their cause is fixed")
    replay.add_argument("letters", metavar="ID", nargs="*")
    replay.add_argument("--all", action="store_true", help="replay all that are listed")
    replay.set_defaults(command=_replay_letters)
    return parser


def _add_check_audit(commands: Any) -> None:
    check_audit = commands.add_parser("check-audit", help="check that the audit log is complete and unchanged")
    check_audit.add_argument(
        "--against",
        metavar="FILE",
        nargs="?",
        const="",
        help="also compare it with the heads that were kept each hour: in the locked bucket, or in a FILE of log lines",
    )
    _add_json(check_audit)
    check_audit.set_defaults(command=_check_audit)


def _add_confirm_payment_change(commands: Any) -> None:
    confirm = commands.add_parser(
        "confirm-payment-change",
        help="confirm the payment instructions that a manager has proposed, if there is no second manager",
    )
    _add_raffle(confirm)
    confirm.set_defaults(command=_confirm_payment_change)


def _add_create_link(commands: Any) -> None:
    create_link = commands.add_parser(
        "create-link", help="make a link with which a colleague signs in to the console, once and within ten minutes"
    )
    create_link.add_argument("name", metavar="NAME", help="who it is for; the name of their token")
    create_link.add_argument(
        "--role",
        choices=[role.value for role in Role],
        default=Role.CASHIER.value,
        help="what they may do (default: %(default)s)",
    )
    create_link.add_argument("--days", type=int, help="days until their token expires (default: never)")
    create_link.add_argument(
        "--console",
        metavar="URL",
        default=LOCAL_CONSOLE,
        help="the address of the console (default: that of make run, %(default)s)",
    )
    create_link.set_defaults(command=_create_link)


def _add_raffle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("raffle", metavar="RAFFLE", help="the raffle's id or code")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def _own_key(text: str) -> str:
    """Return a key that somebody chose. Raises ArgumentTypeError if it could never open the API."""
    if not re.fullmatch(rf"\S{{1,{MAX_KEY_LENGTH}}}", text):
        raise argparse.ArgumentTypeError(f"expected 1 to {MAX_KEY_LENGTH} characters without spaces")
    if form_of(text) is KeyForm.DAMAGED:
        raise argparse.ArgumentTypeError("its check part is wrong, so it can't be a key; was it mistyped?")
    return text


def _create_link(options: argparse.Namespace) -> int:
    expires_at = container().clock() + timedelta(days=options.days) if options.days else None
    made = container().sign_in_links.create(
        options.name, Role(options.role), by=COMMAND_LINE, token_expires_at=expires_at
    )
    address = made.address(options.console)
    print(f"{address}\nIt works once, until {made.link.expires_at:%H:%M} UTC. Whoever opens it first has the token.")
    if sys.stdout.isatty():
        segno.make(address).terminal(compact=True)
    return 0


def _create_token(options: argparse.Namespace) -> int:
    expires_at = container().clock() + timedelta(days=options.days) if options.days else None
    try:
        created = container().tokens.create(
            options.name, Role(options.role), by=COMMAND_LINE, key=options.key, expires_at=expires_at
        )
    except TokenKnown:  # so that a set-up script can run twice
        print("There is already a token with this key.")
        return 0
    if options.key is None:
        print(f"{created.key}\nKeep this key: only its hash is stored, so it can't be shown again.")
    else:
        print(f"Token {options.name} created.")
    return 0


def _generate_tickets(options: argparse.Namespace) -> int:
    service = container().raffles
    availability = service.generate_tickets(raffles.id_of(options.raffle), by=COMMAND_LINE, force=options.force)
    print(f"Raffle {options.raffle} is ready: {availability.available:,} of {availability.total:,} numbers are free.")
    return 0


def _check(options: argparse.Namespace) -> int:
    if options.contacts:
        return _check_contacts(options)
    if options.files:
        return _check_files(options)
    consistency = container().consistency
    reports = list[ConsistencyReport]()
    for raffle_id in [raffles.id_of(options.raffle)] if options.raffle else consistency.raffle_ids():
        try:
            with progress_on(sys.stderr, f"raffle {raffle_id}") as progress:
                raffle_report = consistency.check(raffle_id, repair=options.repair, progress=progress)
        except RaffleNotFound as refusal:
            if not options.raffle:  # deleted since the raffles were listed
                continue
            _complain(str(refusal))
            return 2  # not 1, which means that there are differences
        reports.append(raffle_report)
        if not options.json:
            print("\n".join([*findings(raffle_report), verdict(raffle_report)]), flush=True)
    if options.json:
        print(json.dumps(as_json(reports), indent=2))
    elif not reports:
        print("There are no raffles.")
    return 1 if any(raffle_report.left for raffle_report in reports) else 0


def _check_contacts(options: argparse.Namespace) -> int:
    with progress_on(sys.stderr, "contacts") as progress:
        result = container().contact_index.check(repair=options.repair, progress=progress)
    line = f"{result.unfiled:,} missing from lists or searches, {result.repaired:,} repaired."
    return _print_check(options, result, f"{plural(result.contacts, 'contact')} checked: {line}")


def _check_files(options: argparse.Namespace) -> int:
    with progress_on(sys.stderr, "stored proofs") as progress:
        result = container().proof_files.check(repair=options.repair, progress=progress)
    line = f"{result.unnamed:,} named by no order, {result.removed:,} removed."
    return _print_check(options, result, f"{plural(result.files, 'stored proof')} checked: {line}")


def _print_check(options: argparse.Namespace, result: IndexCheckResult | ProofFilesResult, line: str) -> int:
    """Print a result as JSON or as one line. Return the exit status: 1 if something is left to repair."""
    print(json.dumps(asdict(result), indent=2) if options.json else line)
    return 1 if result.left else 0


def _check_audit(options: argparse.Namespace) -> int:
    container()  # connects the store to the table
    entries = 0
    # Read before the log: heads that are kept meanwhile may be of entries that were not there when it was read.
    kept, problems = _kept_heads(options.against) if options.against is not None else ([], [])
    with progress_on(sys.stderr, "the audit log") as progress:
        for chain in range(CHAINS):
            head = audit.head_of(chain)
            entries += head.number
            known = {heads.heads[chain]: heads.at for heads in reversed(kept)}
            problems += [f"chain {chain}: {flaw}" for flaw in flaws(audit.entries_of(chain, head.number), head, known)]
            progress("chains", chain + 1, CHAINS)
    if options.json:
        print(json.dumps({"entries": entries, "flaws": problems}, indent=2))
    else:
        outcome = f"{plural(len(problems), 'problem')} found" if problems else "no problems found"
        print("\n".join([*problems, f"{plural(entries, 'entry', 'entries')} checked, {outcome}."]))
    return 1 if problems else 0


def _kept_heads(file: str) -> tuple[list[KeptHeads], list[str]]:
    """Return the signed heads that were kept, oldest first, and what is wrong with those that were kept.

    Args:
        file: log lines; "": the locked bucket.
    """
    heads = container().audit_heads
    if file:
        with Path(file).open(encoding="utf-8") as lines:
            found = list(heads.in_lines(lines))
    elif heads.bucket:
        found = list(heads.read())
    else:
        raise SettingsInvalid("TOMBOLA_AUDIT_BUCKET is missing (see .env.example)")
    key = heads.key()
    if not key:
        raise SettingsInvalid("TOMBOLA_AUDIT_KEY is missing (see .env.example)")
    kept = sorted((one for one in found if one.is_signed(key) and len(one.heads) == CHAINS), key=lambda one: one.at)
    problems = ["no heads were kept"] if not kept else []
    if len(kept) < len(found):
        problems.append(f"heads that were kept have a wrong signature: {len(found) - len(kept)}")
    if kept and not file and container().clock() - kept[-1].at > OLDEST_HEADS:
        problems.append(f"no heads were kept since {kept[-1].at:%Y-%m-%d %H:%M} UTC")
    return kept, problems


def _confirm_payment_change(options: argparse.Namespace) -> int:
    changes = container().payment_changes
    change = changes.get(raffles.id_of(options.raffle))
    changes.agree(change.raffle_id, change.payment_instructions, by=COMMAND_LINE)
    print(f"{change.proposed_by} has proposed it. Before:\n{change.replaces}")
    print(f"\nFrom now on:\n{change.payment_instructions}")
    return 0


def _report(options: argparse.Namespace) -> int:
    raffle_report = container().reports.build_report(raffles.id_of(options.raffle))
    if options.json:
        from chalicelib.http.reports import present  # noqa: PLC0415 - loads Chalice, which no other command needs

        print(present(raffle_report).model_dump_json(indent=2))
    else:
        print("\n".join(report(raffle_report)))
    return 1 if raffle_report.differences else 0


def _show_sending(options: argparse.Namespace) -> int:
    container()  # connects the store to the table
    channel = channels.read()
    waiting = {queue: messages.waiting(queue, limit=MAX_SHOWN) for queue in Queue}
    if options.json:
        print(json.dumps(sending_as_json(channel, waiting), indent=2))
    else:
        print("\n".join(sending(channel, waiting, most=MAX_SHOWN)))
    return 0


def _stop_sending(_: argparse.Namespace) -> int:
    container().sending_stops.stop(by=COMMAND_LINE)
    print("Sending is stopped. Messages wait until you resume it: python -m chalicelib sending resume")
    return 0


def _resume_sending(_: argparse.Namespace) -> int:
    container().sending_stops.resume(by=COMMAND_LINE)
    print("Sending is resumed. Waiting messages go out within a minute or two.")
    return 0


def _templates(options: argparse.Namespace) -> int:
    templates = container().templates
    standings = templates.submit() if options.submit else templates.check()
    if options.json:
        print(json.dumps([standing._asdict() for standing in standings], indent=2))
    else:
        print("\n".join(f"{standing.name:<28}{standing.language:<7}{standing.status}" for standing in standings))
    return 0 if all(standing.status == APPROVED for standing in standings) else 1


def _list_letters(options: argparse.Namespace) -> int:
    dead_letters = container().dead_letters
    dead_letters.collect()
    letters = dead_letters.list_all()
    if options.json:
        print(json.dumps([as_listed(letter) for letter in letters], indent=2))
    else:
        print("\n".join([in_columns(letter) for letter in letters] or ["There are no dead letters."]))
    return 0


def _show_letter(options: argparse.Namespace) -> int:
    letter = container().dead_letters.get(options.letter)
    print(f"{in_columns(letter)}\n\n{letter.body}")
    return 0


def _replay_letters(options: argparse.Namespace) -> int:
    dead_letters = container().dead_letters
    if bool(options.letters) == options.all:
        _complain("name the dead letters to replay, or use --all")
        return 2
    for letter_id in options.letters or [letter.id for letter in dead_letters.list_all()]:
        queued = dead_letters.replay(letter_id, by=COMMAND_LINE)
        print(f"{letter_id}: {plural(queued, 'update')} put back into the queue", flush=True)
    return 0
