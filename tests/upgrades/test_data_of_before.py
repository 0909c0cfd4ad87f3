"""What an earlier version stored is sold on with, and nothing has to stop for that.

Each file in data/ is a table as a version left it, item by item. It is never made anew: where code and file no longer
fit, tables out there do not fit either.
"""

import base64
import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.cli.commands import main
from chalicelib.store.records import bind
from tests.support.steps import buy, confirm_payment, hold
from tests.support.world import World, text_of

Json = dict[str, Any]
VERSIONS = sorted((Path(__file__).parent / "data").glob("*.json"))


def bytes_of(value: Any) -> Any:
    """DynamoDB's form of an item, with what JSON cannot hold."""
    if isinstance(value, dict):
        return base64.b64decode(value["base64"]) if "base64" in value else {k: bytes_of(v) for k, v in value.items()}
    return [bytes_of(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(params=VERSIONS, ids=lambda path: path.stem)
def before(request: pytest.FixtureRequest, world: World) -> Json:
    """The table of that version, and its clock."""
    found: Json = json.loads(request.param.read_text(encoding="utf-8"))
    table, dynamodb = world.container.settings.TOMBOLA_TABLE, boto3.client("dynamodb", region_name="us-east-1")
    for item in dynamodb.scan(TableName=table)["Items"]:
        dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    for item in found["items"]:
        dynamodb.put_item(TableName=table, Item=bytes_of(item))
    bind(table, "us-east-1")  # which forgets what was known of the table before
    world.clock.now = world.clock.now.fromisoformat(found["at"])
    world.ids = len(found["items"])  # no id of a message comes twice
    return found


def test_stored_data_passes_the_check(before: Json, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.availability({"id": before["raffle"]}) == tuple(before["availability"])
    for command in ("check", "check-audit"):
        assert main([command]) == 0, capsys.readouterr().out
    assert main(["check", "--contacts"]) == 0


def test_unfinished_work_is_finished(before: Json, world: World) -> None:
    orders = before["orders"]
    assert {name: world.order(order)["status"] for name, order in orders.items()} == {
        name: name.upper() for name in orders
    }
    assert confirm_payment(world, orders["in_review"]).status == 200
    assert world.api("POST", f"/api/orders/{orders['paid']}/refund", {"reason": "paid twice"}).status == 200
    world.clock.pass_minutes(16)
    world.minute()
    assert world.order(orders["draft"])["status"] == "EXPIRED"
    assert world.availability({"id": before["raffle"]}) == (2999, 0, 1)
    assert len(world.api("GET", "/api/dead-letters").body["results"]) == 1


def test_people_are_known_and_buy_on(before: Json, world: World) -> None:
    lucia = world.buyer("Lucía", 0)
    assert before["orders"]["paid"] in text_of(lucia.says("my orders"))
    buy(lucia, "7,8")
    hold(world.buyer("Somebody new", 9), "9")
    [found] = world.api("GET", "/api/contacts?search=marco").body["results"]
    assert found["name"] == "Marco"
    assert main(["check"]) == 0


def test_after_a_rollback_unknown_data_is_left_alone(before: Json, world: World) -> None:
    """An item of a kind that came later is an error for whoever needs it, nothing to write over; the rest goes on."""
    dynamodb, key = boto3.client("dynamodb", region_name="us-east-1"), {}
    for item in before["items"]:
        if item["kind"] == {"S": "order"} and item["pk"] == {"S": f"ORDER#{before['orders']['in_review']}"}:
            key = {"TableName": world.container.settings.TOMBOLA_TABLE, "Key": {"pk": item["pk"], "sk": item["sk"]}}
    later = {"UpdateExpression": "SET kind = :later", "ExpressionAttributeValues": {":later": {"S": "order2"}}}
    dynamodb.update_item(**key, **later)
    stored = dynamodb.get_item(**key)["Item"]

    assert confirm_payment(world, before["orders"]["in_review"]).status == 500
    world.clock.pass_minutes(16)
    world.minute()
    buy(world.buyer("Lucía", 0), "7,8")
    assert world.order(before["orders"]["draft"])["status"] == "EXPIRED"
    assert dynamodb.get_item(**key)["Item"] == stored
