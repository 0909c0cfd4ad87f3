"""The contact: when the bot leaves the talking to a person, and what stays of who is forgotten."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.contacts import Contact

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
A_DAY = timedelta(hours=24)
LUCIA = Contact(
    id="c1", user_id="GT.770001", phone="50255500001", name="Lucía", held={"r1": 2}, last_heard_at=NOW, version=7,
    chosen_language="es", written_language="pt", raffle_language="en", created_at=NOW,
)  # fmt: skip


def test_m6_a_pause_ends_by_itself_a_day_after_the_organiser_wrote() -> None:
    paused = LUCIA.with_bot_paused(by="Olga", at=NOW)
    assert paused.bot_is_paused(NOW)
    assert paused.bot_is_paused(NOW + A_DAY - timedelta(seconds=1))
    assert not paused.bot_is_paused(NOW + A_DAY)
    assert paused.with_bot_paused(by="Olga", at=NOW + A_DAY / 2).bot_is_paused(NOW + A_DAY)


def test_m6_resuming_ends_a_pause_at_once() -> None:
    assert LUCIA.with_bot_paused(by="Olga", at=NOW).with_bot_resumed(NOW) == replace(LUCIA, bot_paused_at=NOW)


def test_m4_a_contact_who_never_wrote_has_no_window() -> None:
    assert LUCIA.window_until == NOW + A_DAY
    assert replace(LUCIA, last_heard_at=None).window_until is None


def test_m4_the_window_is_over_a_day_after_the_last_message_even_if_an_older_one_arrives_late() -> None:
    written = LUCIA.with_message_at(NOW - A_DAY)
    assert not written.window_is_over(NOW + A_DAY - timedelta(seconds=1))
    assert written.window_is_over(NOW + A_DAY)


def test_m5_the_later_of_two_wishes_counts_in_whatever_order_they_come() -> None:
    in_again = LUCIA.with_opt_out(out=False, at=NOW).with_opt_out(out=True, at=NOW - A_DAY)
    assert not in_again.opted_out
    assert in_again.with_opt_out(out=True, at=NOW).opted_out


def test_a_name_that_an_organiser_corrected_is_not_replaced_by_whatsapps() -> None:
    assert LUCIA.with_profile_name("Lu").name == "Lu"
    assert LUCIA.with_profile_name("") == LUCIA
    assert replace(LUCIA, name_kept=True).with_profile_name("Lu").name == "Lucía"


def test_an_erased_contact_leaves_an_id_and_what_they_own() -> None:
    left = {
        name: value for name, value in asdict(LUCIA.as_erased(NOW)).items() if value != asdict(Contact(id=""))[name]
    }
    assert left == {"id": "c1", "held": {"r1": 2}, "created_at": NOW, "erased_at": NOW, "version": 7}


@pytest.mark.usefixtures("countries")
def test_m9_a_choice_counts_more_than_words_words_more_than_the_phone_and_that_more_than_the_raffle() -> None:
    nobody = Contact(id="c1")
    assert (nobody.language, nobody.language_source) == ("en", "default")
    in_raffle = replace(nobody, raffle_language="es")
    assert (in_raffle.language, in_raffle.language_source) == ("es", "raffle")
    brazilian = replace(in_raffle, phone="5511987654321")
    assert (brazilian.language, brazilian.language_source) == ("pt", "phone")
    writer = replace(brazilian, written_language="es")
    assert (writer.language, writer.language_source) == ("es", "written")
    chooser = replace(writer, chosen_language="en")
    assert (chooser.language, chooser.language_source) == ("en", "chosen")
    assert replace(nobody, phone="4915112345678", raffle_language="pt").language == "pt"


def test_m9_a_contact_that_turns_out_to_be_the_same_person_keeps_what_was_chosen_and_last_written() -> None:
    first, second = Contact(id="c1", written_language="en"), Contact(id="c2", written_language="pt")
    assert first.merged_with(second).written_language == "pt"
    assert first.merged_with(replace(second, chosen_language="es")).chosen_language == "es"
    assert replace(first, chosen_language="en").merged_with(replace(second, chosen_language="es")).language == "en"
