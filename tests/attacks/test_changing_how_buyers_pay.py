"""Somebody with a manager's token has the buyers pay them: all organisers hear of it, and another must agree (O10)."""

from typing import Any

import pytest

from chalicelib.cli.commands import main
from chalicelib.store import channel as channels
from chalicelib.store.records import TokenRecord
from chalicelib.store.tokens import _key
from chalicelib.whatsapp.templates import DEFINITIONS
from tests.support.steps import buy, cancel, hold, hold_and_prove
from tests.support.tokens import a_token, a_token_of_before
from tests.support.world import Answer, Buyer, World, text_of

Json = dict[str, Any]
OLD, NEW = "Bank X, account 123", "Bank Y, account 666"


@pytest.fixture
def raffle(world: World) -> Json:
    return world.raffle()


@pytest.fixture
def second(world: World) -> str:
    """The key of another manager's token, made on the command line."""
    return a_token_of_before(world, "Pia")


def told(world: World) -> list[str]:
    """What the organiser has read about payments, oldest first."""
    return [text for text in map(text_of, world.organiser().heard) if "pay." in text]


def patch(world: World, raffle: Json, text: str = NEW, **more: Any) -> Answer:
    return world.api("PATCH", f"/api/raffles/{raffle['id']}", {"payment_instructions": text}, **more)


def agree(world: World, raffle: Json, text: str = NEW, **more: Any) -> Answer:
    return world.api("POST", f"/api/raffles/{raffle['id']}/payment-change", {"payment_instructions": text}, **more)


def paid_how(world: World, raffle: Json) -> str:
    return str(world.api("GET", f"/api/raffles/{raffle['id']}").body["payment_instructions"])


def actions(world: World) -> list[tuple[str, str]]:
    entries = world.api("GET", "/api/audit").body["results"]
    return [(entry["action"], entry["by"]) for entry in entries if entry["target"].startswith("raffle:")]


def test_o10_without_open_orders_it_changes_and_all_organisers_read_old_and_new(
    world: World, raffle: Json, lucia: Buyer
) -> None:
    buy(lucia, "5")
    cancel(world, hold(lucia, "6"))
    assert patch(world, raffle).status == 200
    [notice] = told(world)
    assert notice.startswith("*local* changed how buyers of Bicycle pay.") and OLD in notice and NEW in notice
    world.api("PATCH", f"/api/raffles/{raffle['id']}", {"title": "Tandem"})
    assert len(told(world)) == 1


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("open_order", [hold, hold_and_prove])
def test_o10_one_manager_alone_changes_nothing_while_an_order_is_open(
    world: World, raffle: Json, lucia: Buyer, method: str, open_order: Any
) -> None:
    open_order(lucia, "5")
    refused = world.api(method, f"/api/raffles/{raffle['id']}", {**raffle, "payment_instructions": NEW})
    assert (refused.status, refused.body["code"]) == (409, "second_manager_needed")
    assert f"/api/raffles/{raffle['id']}/payment-change" in refused.body["detail"]
    assert paid_how(world, raffle) == OLD and told(world) == []
    assert world.api(method, f"/api/raffles/{raffle['id']}", {**raffle, "title": "Tandem"}).status == 200


def test_o10_a_second_manager_confirms_by_sending_the_same(
    world: World, raffle: Json, lucia: Buyer, second: str
) -> None:
    hold(lucia, "5")
    for _ in range(2):  # repeating it confirms nothing
        proposed = agree(world, raffle)
        assert (proposed.status, proposed.body["confirmed_by"]) == (200, None)
    assert paid_how(world, raffle) == OLD
    assert world.api("GET", f"/api/raffles/{raffle['id']}/payment-change").body == proposed.body
    assert agree(world, raffle, token=second).body["confirmed_by"] == "Pia"
    assert paid_how(world, raffle) == NEW
    wanted, changed = told(world)
    assert wanted.startswith("*local* wants to change how buyers of Bicycle pay. Another manager must confirm it.")
    assert changed.startswith("*local and Pia* changed how buyers of Bicycle pay.")
    assert all(OLD in notice and NEW in notice for notice in (wanted, changed))
    assert actions(world)[:2] == [("raffle.changed", "Pia"), ("raffle.payment_change_proposed", "local")]
    assert world.api("GET", f"/api/raffles/{raffle['id']}/payment-change").status == 404


def test_o10_a_second_manager_confirms_only_what_they_have_read(
    world: World, raffle: Json, lucia: Buyer, second: str
) -> None:
    """The first one puts something else in its place: then the second one's is another proposal."""
    hold(lucia, "5")
    agree(world, raffle, "Bank X, account 124")
    agree(world, raffle, NEW)
    assert agree(world, raffle, "Bank X, account 124", token=second).body["confirmed_by"] is None
    assert paid_how(world, raffle) == OLD
    assert len(told(world)) == 3


def test_o10_a_token_that_was_just_made_is_no_second_manager(world: World, raffle: Json, lucia: Buyer) -> None:
    hold(lucia, "5")
    made = a_token(world, "manager")
    agree(world, raffle)
    for text in (NEW, "Bank Z"):  # neither confirms nor proposes
        refused = agree(world, raffle, text, token=made["key"])
        assert (refused.status, refused.body["code"]) == (409, "token_too_new")
    assert paid_how(world, raffle) == OLD
    world.clock.pass_minutes(24 * 60)
    hold(lucia, "7")
    agree(world, raffle)
    assert agree(world, raffle, token=made["key"]).body["confirmed_by"] == made["name"]


def test_o10_a_second_token_of_the_same_name_is_no_second_manager(world: World, raffle: Json, lucia: Buyer) -> None:
    """Names of before were not unique."""
    hold(lucia, "5")
    twin = a_token_of_before(world, "somebody")
    [token] = [one for one in world.api("GET", "/api/tokens").body["results"] if one["name"] == "somebody"]
    TokenRecord(*_key(token["id"])).update([TokenRecord.name.set("Local")])
    agree(world, raffle)
    assert agree(world, raffle, token=twin).body["confirmed_by"] is None


def test_o10_a_proposal_ends_after_a_day_and_when_the_instructions_change(
    world: World, raffle: Json, lucia: Buyer, second: str
) -> None:
    agree(world, raffle)
    patch(world, raffle, "Bank X, account 321")
    hold(lucia, "5")
    assert agree(world, raffle, token=second).body["confirmed_by"] is None
    world.clock.pass_minutes(24 * 60)
    assert world.api("GET", f"/api/raffles/{raffle['id']}/payment-change").status == 404
    assert agree(world, raffle).body["confirmed_by"] is None
    assert paid_how(world, raffle) == "Bank X, account 321"


def test_o10_what_a_token_proposed_that_was_revoked_since_is_no_proposal(
    world: World, raffle: Json, lucia: Buyer, second: str
) -> None:
    hold(lucia, "5")
    agree(world, raffle)
    [token] = [one for one in world.api("GET", "/api/tokens").body["results"] if one["name"] == "local"]
    assert world.api("DELETE", f"/api/tokens/{token['id']}", token=second).status == 200
    assert world.api("GET", f"/api/raffles/{raffle['id']}/payment-change", token=second).status == 404
    assert agree(world, raffle, token=second).body["confirmed_by"] is None


def test_o10_who_is_the_only_manager_confirms_on_the_command_line(
    world: World, raffle: Json, lucia: Buyer, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(lucia, "5")
    assert main(["confirm-payment-change", "BIKE"]) == 1
    assert "There is no proposed payment change for raffle" in capsys.readouterr().err
    agree(world, raffle)
    assert main(["confirm-payment-change", "BIKE"]) == 0
    assert OLD in (shown := capsys.readouterr().out) and NEW in shown
    assert paid_how(world, raffle) == NEW
    assert actions(world)[0] == ("raffle.changed", "command line")
    assert len(told(world)) == 2


def test_o10_long_instructions_show_where_they_differ(world: World, raffle: Json) -> None:
    channels.approve([f"{one.name}/en" for one in DEFINITIONS], approved=True)
    long = "Pay at the counter. " * 95
    patch(world, raffle, long + "Account 123.")
    patch(world, raffle, long + "Account 666.")
    notice = told(world)[-1]
    assert len(notice) < 4096
    assert "Account 123." in notice and "Account 666." in notice
