"""Somebody who can write to the table forges the audit log so that it fits together: what was kept of it does not."""

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from chalicelib.cli.commands import main
from chalicelib.domain.audit import CHAINS, AuditEntry, Head, KeptHeads, chain_of
from chalicelib.services.maintenance.audit_heads import FOLDER
from chalicelib.store import audit
from chalicelib.store.records import AuditHeadRecord, AuditRecord
from chalicelib.telemetry import logger
from tests.support.policies import allows, template
from tests.support.world import World

Json = dict[str, Any]


def chain_with_entries(world: World, count: int = 4) -> tuple[int, Json]:
    """A chain with at least that many entries of a raffle, and the raffle."""
    raffle = world.raffle()
    for number in range(count):
        world.api("PATCH", f"/api/raffles/{raffle['id']}", {"title": f"Bicycle {number}"})
    return chain_of(f"raffle:{raffle['id']}"), raffle


def forge(chain: int, *, drop: int = 0, name: str = "somebody else") -> None:
    """Rewrite the newest entries of a chain, or drop the last ones, so that all seals fit."""
    entries = list(audit.entries_of(chain, audit.head_of(chain).number))
    kept = entries[: len(entries) - drop]
    for gone in entries[len(kept) :]:
        AuditRecord(*audit._key(chain, gone.number)).delete()
    head = Head()
    for entry in kept:
        changed = entry if entry.number < 3 else replace(entry, name=name, previous=head.seal)
        sealed: AuditEntry = replace(changed, seal=changed.compute_seal())
        audit._as_record(sealed).save()
        head = Head(sealed.number, sealed.seal)
    AuditHeadRecord(*audit._head_key(chain), number=head.number, seal=head.seal).save()


def check(*more: str) -> int:
    return main(["check-audit", *more])


@pytest.mark.parametrize("drop", [0, 2])
def test_o9_a_forged_log_that_fits_together_differs_from_what_was_kept(
    world: World, drop: int, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, _ = chain_with_entries(world)
    world.container.audit_heads.keep()
    assert check("--against") == 0
    forge(chain, drop=drop)
    assert check() == 0  # alone, the log cannot show it
    capsys.readouterr()
    assert check("--against") == 1
    assert f"chain {chain}: entry 6 is not the one that was there at 2026-11-23 14:00 UTC" in capsys.readouterr().out


def test_o9_heads_that_are_kept_after_the_forgery_do_not_make_it_good(world: World) -> None:
    chain, _ = chain_with_entries(world)
    world.container.audit_heads.keep()
    forge(chain)
    world.clock.pass_minutes(60)
    world.container.audit_heads.keep()
    assert check("--against") == 1


def test_o9_a_log_that_has_grown_is_as_it_was(world: World) -> None:
    _, raffle = chain_with_entries(world)
    for number in range(3):
        world.container.audit_heads.keep()
        world.clock.pass_minutes(60)
        world.api("PATCH", f"/api/raffles/{raffle['id']}", {"title": f"Tandem {number}"})
    assert check("--against") == 0


def test_o9_heads_without_our_signature_are_not_believed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    s3, bucket = world.container._client("s3"), world.container.settings.TOMBOLA_AUDIT_BUCKET
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})  # moto leaves it out
    chain, _ = chain_with_entries(world)
    world.container.audit_heads.keep()
    forge(chain)
    forged = KeptHeads(at=world.clock.now, heads=audit.all_heads()).signed(b"a key of theirs")
    [kept] = s3.list_objects_v2(Bucket=bucket, Prefix=FOLDER)["Contents"]
    s3.put_object(Bucket=bucket, Key=kept["Key"], Body=json.dumps(forged.as_json()).encode())  # covers the true ones
    s3.put_object(Bucket=bucket, Key=f"{FOLDER}0.json", Body=b"not ours")
    assert check("--against") == 1
    told = capsys.readouterr().out
    assert "heads that were kept have a wrong signature: 2" in told
    assert f"chain {chain}: entry 6 is not the one that was there" in told


def test_o9_log_lines_are_as_good(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, _ = chain_with_entries(world)
    log = StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(logger.registered_handler, "stream", log)
        world.container.audit_heads.keep()
    lines = tmp_path / "log.txt"
    lines.write_text(f"START RequestId\n2026-11-23T14:00:00Z {log.getvalue()}\n{{broken heads\n", "utf-8")
    assert check("--against", str(lines)) == 0
    forge(chain)
    assert check("--against", str(lines)) == 1


def test_o9_that_nothing_was_kept_for_hours_is_a_problem(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--against") == 1
    assert "no heads were kept" in capsys.readouterr().out
    world.container.audit_heads.keep()
    world.clock.now += timedelta(hours=4)
    assert check("--against") == 1
    assert "no heads were kept since 2026-11-23 14:00 UTC" in capsys.readouterr().out


def test_o9_the_heads_are_kept_each_hour_whatever_happens_at_one_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = world.container.audit_heads
    world.clock.pass_minutes(20)
    world.minute()  # a process that starts within an hour: the one before has kept this hour's
    assert list(heads.read()) == []
    world.clock.pass_minutes(40)
    with monkeypatch.context() as patch:
        patch.setattr(heads, "s3", lambda: None)  # fails, and messages go out nevertheless
        world.minute()
    for _ in range(130):
        world.clock.pass_minutes(1)
        world.container.audit_heads.keep_hourly()
    assert [f"{kept.at:%H:%M}" for kept in heads.read()] == ["15:01", "16:00", "17:00"]
    assert all(len(kept.heads) == CHAINS for kept in heads.read())


def test_o9_nobody_can_delete_what_was_kept_and_only_one_function_can_sign(world: World) -> None:
    lock = template()["Resources"]["AuditBucket"]["Properties"]["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"]["Mode"] == "COMPLIANCE"
    roles = [name for name in template()["Resources"] if name.endswith("Role")]
    text = {name: json.dumps(template()["Resources"][name]) for name in roles}
    assert [name for name in roles if "TOMBOLA_AUDIT_KEY" in text[name]] == ["DeliverMessagesRole"]
    assert [name for name in roles if "${AuditBucket" in text[name]] == ["DeliverMessagesRole"]
    assert not any("${AWS::StackName}/*" in text[name] for name in roles)
    assert not allows("DeliverMessagesRole", "dynamodb:PutItem", "AUDIT#00")
