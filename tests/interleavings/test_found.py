"""H3, H4, H6: what the searches of this folder found once, each by itself."""

from functools import partial

from chalicelib.domain.organisers import COMMAND_LINE
from tests.support.interleavings.scene import kind_of
from tests.support.interleavings.stage import Stage


def test_h4_a_number_of_an_ended_hold_is_sold_while_the_schedule_ends_it(stage: Stage) -> None:
    stage.scene.open()
    over = stage.hold(stage.lucia)
    stage.marco.says("BIKE")
    stage.scene.pass_time(minutes=15)
    assert stage.endings(partial(stage.marco.says, "7"), stage.expires(over)) == {
        "lucia's EXPIRED; lucia: expired; marco's DRAFT; marco: held"
    }


def test_h4_random_numbers_while_the_schedule_frees_them(stage: Stage) -> None:
    stage.scene.open(numbers=2)
    over = stage.hold(stage.lucia, "1, 2")
    stage.marco.says("BIKE")
    stage.scene.pass_time(minutes=15)
    assert stage.endings(partial(stage.marco.taps, stage.random_two), stage.expires(over)) == {
        "lucia's EXPIRED; lucia: expired; marco's DRAFT; marco: held"
    }


def test_h4_a_buyer_whose_hold_ended_can_take_the_same_numbers_again(stage: Stage) -> None:
    stage.scene.open()
    stage.hold(stage.lucia)
    stage.scene.pass_time(minutes=15)
    stage.lucia.says("BIKE")
    stage.lucia.says("7")
    assert kind_of(stage.lucia.heard[-1]) == "held"


def test_h6_numbers_whose_hold_is_over_do_not_count_against_the_limit(stage: Stage) -> None:
    stage.scene.open(max_per_contact=2)
    stage.hold(stage.lucia, "7, 8")
    stage.scene.pass_time(minutes=15)
    stage.lucia.says("BIKE")
    stage.lucia.says("1, 2")
    assert kind_of(stage.lucia.heard[-1]) == "held"


def test_h3_an_order_that_ends_does_not_close_the_raffle_that_its_buyer_has_opened_since(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.lucia.says("BIKE")
    stage.settlement.confirm_payment(order, by=COMMAND_LINE)
    stage.lucia.says("8")
    assert kind_of(stage.lucia.heard[-1]) == "held"


def test_h6_a_late_proof_brings_back_no_more_numbers_than_the_limit(stage: Stage) -> None:
    stage.scene.open(max_per_contact=2)
    over = stage.hold(stage.lucia, "7, 8")
    stage.scene.pass_time(minutes=15)
    stage.schedule()
    stage.hold(stage.lucia, "1, 2")
    stage.lucia.sends_proof(caption=over)
    assert kind_of(stage.lucia.heard[-1]) == "late"
