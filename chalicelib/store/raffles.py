"""Raffles in the table: store them, list them, and read one with its availability in a single query."""

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, asdict, fields
from functools import reduce
from operator import and_
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.filters import RaffleFilter
from chalicelib.domain.raffles import Board, Faq, Permit, Raffle, RaffleOrganiser, RafflePicture, RaffleStatus
from chalicelib.domain.refusals import CodeTaken, RaffleNotFound
from chalicelib.store.pages import Bounds, Page, page_of
from chalicelib.store.records import (
    CodeRecord,
    RaffleRecord,
    Record,
    Stored,
    TallyRecord,
    stamp,
    stored_at,
    stored_in,
)
from chalicelib.store.transaction import ConditionsFailed, Transaction

ALL = "RAFFLES"
RAFFLE = "raffle"  # the name of the condition on a raffle's item
CODE = "code"  # the name of the condition that a code is free
TALLY = "TALLY#"
BATCH = 100  # items that are read in one request


def board(raffle_id: str) -> Board:
    """Read a raffle and its tallies. One strongly consistent query at any size. Raises RaffleNotFound."""
    items = list(stored_in(partition(raffle_id)))
    raffle = next((item for item in items if item["kind"]["S"] == "raffle"), None)
    if raffle is None:
        raise RaffleNotFound(raffle_id)
    return _sum_tallies(as_raffle(RaffleRecord.from_raw_data(raffle)), items)


def boards(raffles: Sequence[Raffle]) -> list[Board]:
    """Read the tallies of raffles that are known. One request for each 100 tallies; a raffle has 16 at most.

    Each board is exact, but they may be those of different moments.
    """
    keys = [tally_key(raffle.id, tally) for raffle in raffles for tally in range(raffle.layout.tallies)]
    items = [item for at in range(0, len(keys), BATCH) for item in stored_at(keys[at : at + BATCH])]
    by_raffle: dict[str, list[Stored]] = {}
    for item in items:
        by_raffle.setdefault(item["pk"]["S"], []).append(item)
    return [_sum_tallies(raffle, by_raffle.get(partition(raffle.id), ())) for raffle in raffles]


def _sum_tallies(raffle: Raffle, items: Iterable[Stored]) -> Board:
    """Return the sums of a raffle's tallies. Other items are left out."""
    taken: dict[int, int] = {}
    sold = 0
    paid = 0
    newcomers: dict[int, int] = {}
    for item in items:
        if item["kind"]["S"] == "tally":
            counts = TallyRecord.counts(item)
            sold += counts.pop("sold", 0)
            paid += TallyRecord.money(item)
            if held := TallyRecord.held_by_newcomers(item):
                newcomers[int(item["sk"]["S"].removeprefix(TALLY))] = held
            for column, count in counts.items():
                taken[int(column[1:])] = taken.get(int(column[1:]), 0) + count
    return Board(raffle, taken, sold, paid, newcomers)


def get(raffle_id: str) -> Raffle:
    """Return a raffle. One request. Raises RaffleNotFound."""
    try:
        return as_raffle(RaffleRecord.get(*key(raffle_id), consistent_read=True))
    except RaffleRecord.DoesNotExist:
        raise RaffleNotFound(raffle_id) from None


def get_all(raffle_ids: Iterable[str]) -> list[Raffle]:
    """Return those of the raffles that exist. One request for up to 100."""
    return found_in(RaffleRecord.batch_get([key(raffle_id) for raffle_id in raffle_ids], consistent_read=True))


def partition(raffle_id: str) -> str:
    """Return the partition of a raffle and its tallies."""
    return f"BOARD#{raffle_id}"


def key(raffle_id: str) -> tuple[str, str]:
    return partition(raffle_id), "RAFFLE"


def tally_key(raffle_id: str, tally: int) -> tuple[str, str]:
    return partition(raffle_id), f"{TALLY}{tally:02}"


def code_key(code: str) -> tuple[str, str]:
    return f"CODE#{code}", "CODE"


def id_of(code_or_id: str) -> str:
    """Return the id of the raffle with this code. If there is none, the argument must be an id. One request."""
    records = CodeRecord.batch_get([code_key(code_or_id.upper())], consistent_read=True)
    return next((record.raffle_id for record in records), code_or_id)


def add(transaction: Transaction, raffle: Raffle) -> None:
    """Store a new raffle. Commit it with `commit`."""
    transaction.put(as_record(raffle), name=RAFFLE, only_if=RaffleRecord.pk.does_not_exist())
    _claim_code(transaction, raffle)


def replace(transaction: Transaction, old: Raffle, new: Raffle) -> None:
    """Replace `old` by `new`, if nobody has changed it since. Commit it with `commit`."""
    transaction.put(as_record(new), name=RAFFLE, only_if=_is_still(old))
    if new.code != old.code:
        transaction.delete(CodeRecord(*code_key(old.code)))
        _claim_code(transaction, new)


def delete(transaction: Transaction, raffle: Raffle) -> None:
    """Delete a raffle that was never active, and so has no board, if nobody has changed it since."""
    transaction.delete(as_record(raffle), name=RAFFLE, only_if=_is_still(raffle))
    transaction.delete(CodeRecord(*code_key(raffle.code)))


def commit(transaction: Transaction, raffle: Raffle) -> None:
    """Commit a transaction that stores this raffle. Raises CodeTaken, ConditionsFailed, Busy.

    If the raffle is stored exactly like this already, an earlier try of ours succeeded, and nothing is raised.
    """
    try:
        transaction.commit()
    except ConditionsFailed as failure:
        # An earlier try whose answer did not arrive may have succeeded, and may be the reason why this one fails.
        stored = (RaffleRecord.from_raw_data(failed.stored) for failed in failure.named(RAFFLE) if failed.stored)
        if any(as_raffle(record) == raffle for record in stored):
            return
        if failure.named(CODE) and not failure.named(RAFFLE):
            raise CodeTaken(raffle.code) from None
        raise


def _is_still(raffle: Raffle) -> Condition:
    """Return the condition that nobody has changed the raffle. Each change has a time of its own, so that tells."""
    unchanged: Condition = RaffleRecord.updated_at == raffle.updated_at
    return unchanged


def listed(wanted: RaffleFilter, *, limit: int, after: str | None = None, backwards: bool = False) -> Page[Raffle]:
    """Return one page of raffles, the newest first. One query.

    With a filter on the last change at most FILTERED raffles are read, so the page may be short.
    """
    index: GlobalSecondaryIndex[Any] = Record.by_time if wanted.status is None else Record.by_queue
    hash_key = ALL if wanted.status is None else queue(wanted.status)
    changed = RaffleRecord.updated_at
    conditions = [
        *([changed >= wanted.updated_after] if wanted.updated_after is not None else ()),
        *([changed < wanted.updated_before] if wanted.updated_before is not None else ()),
    ]
    return page_of(
        index,
        hash_key,
        found_in,
        limit=limit,
        after=after,
        backwards=backwards,
        only=reduce(and_, conditions) if conditions else None,
        within=Bounds.of_time(wanted.created_after, wanted.created_before),
    )


def active() -> list[Raffle]:
    """Return all active raffles, the oldest first. One query."""
    return found_in(Record.by_queue.query(queue(RaffleStatus.ACTIVE)))


def count_inactive() -> dict[RaffleStatus, int]:
    """Count the raffles in each status except ACTIVE. One query per status."""
    others = (status for status in RaffleStatus if status is not RaffleStatus.ACTIVE)
    return {status: Record.by_queue.count(queue(status)) for status in others}


def queue(status: RaffleStatus) -> str:
    return f"RAFFLE#{status.value}"


def as_record(raffle: Raffle) -> RaffleRecord:
    at = stamp(raffle.created_at, raffle.id)
    return RaffleRecord(
        *key(raffle.id),
        time_key=ALL,
        time_at=at,
        queue_key=queue(raffle.status),
        queue_at=at,
        **{**asdict(raffle), "status": raffle.status.value, "faq": [asdict(entry) for entry in raffle.faq] or None},
    )


def as_raffle(record: Record) -> Raffle:
    assert isinstance(record, RaffleRecord)
    values: dict[str, Any] = {field.name: getattr(record, field.name) for field in fields(Raffle)}
    defaults = {field.name: field.default for field in fields(Raffle) if field.default is not MISSING}
    missing = {name: default for name, default in defaults.items() if values[name] is None}
    if record.organiser is not None:
        values["organiser"] = RaffleOrganiser(**record.organiser)
    if record.permit is not None:
        values["permit"] = Permit(**record.permit)
    if record.picture is not None:
        values["picture"] = RafflePicture(**record.picture)
    if record.faq is not None:
        values["faq"] = tuple(Faq(words=tuple(entry["words"]), answer=entry["answer"]) for entry in record.faq)
    title = " ".join(record.title.split())  # one that was stored by an earlier version may have line ends
    return Raffle(**{**values, **missing, "title": title, "status": RaffleStatus(record.status)})


def found_in(records: Iterable[Record]) -> list[Raffle]:
    """Return the raffles among items that were read together."""
    return [as_raffle(record) for record in records if isinstance(record, RaffleRecord)]


def _claim_code(transaction: Transaction, raffle: Raffle) -> None:
    code = CodeRecord(*code_key(raffle.code), raffle_id=raffle.id)
    transaction.put(code, name=CODE, only_if=CodeRecord.pk.does_not_exist())
