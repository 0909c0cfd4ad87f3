"""Our templates keep WhatsApp's rules, and all languages say the same."""

import re

import pytest

from chalicelib.domain.channel import Channel, approval
from chalicelib.domain.languages import TEMPLATE_CODES
from chalicelib.whatsapp.messages import build_template, find_template
from chalicelib.whatsapp.templates import (
    DEFINITIONS,
    EXAMPLES,
    FORMER_DEFINITIONS,
    FORMER_PAYMENT_CONFIRMED,
    PAYMENT_CONFIRMED,
    VALUE,
    Definition,
    approved_version,
)

PLACE = re.compile(r"\{\{([a-z_]+)\}\}")
ALL = (*DEFINITIONS, *FORMER_DEFINITIONS)
EACH = [pytest.param(one, language, id=f"{one.name}-{language}") for one in ALL for language in one.texts]
NEW, OLD = PAYMENT_CONFIRMED, FORMER_PAYMENT_CONFIRMED


@pytest.mark.parametrize("definition", ALL, ids=lambda one: one.name)
def test_each_template_exists_in_every_language(definition: Definition) -> None:
    assert set(definition.texts) == set(TEMPLATE_CODES.values())


@pytest.mark.parametrize(("definition", "language"), EACH)
def test_each_template_keeps_whatsapps_rules(definition: Definition, language: str) -> None:
    text = definition.texts[language]
    assert tuple(PLACE.findall(text)) == definition.values  # each once, in this order
    assert not text.startswith("{{") and not text.rstrip(".").endswith("}}")
    longest = sum(VALUE if name == "numbers" else 100 for name in definition.values)
    assert len(PLACE.sub("", text)) + longest <= 1024
    assert re.fullmatch(r"[a-z0-9_]{1,512}", definition.name)
    assert "\n" not in text and "    " not in text


@pytest.mark.parametrize(("definition", "language"), EACH)
def test_each_template_can_be_submitted_and_sent(definition: Definition, language: str) -> None:
    asked = definition.request(language)
    [body] = asked["components"]
    assert [one["param_name"] for one in body["example"]["body_text_named_params"]] == list(definition.values)
    filled = definition.filled(**EXAMPLES)
    sent = build_template(filled.name, language, filled.values)
    assert find_template(sent) == (definition.name, language)
    assert [one["parameter_name"] for one in sent["template"]["components"][0]["parameters"]] == list(definition.values)


def test_a_value_is_one_line_and_never_empty() -> None:
    filled = OLD.filled(code="A\nB\tC    D", raffle="", numbers="1" * 1000)
    assert filled.values == {"code": "A B C D", "raffle": "-", "numbers": "1" * VALUE}


@pytest.mark.parametrize(
    ("approved", "expected"),
    [
        ((), NEW),
        (((OLD, "es"),), OLD),
        (((OLD, "es"), (NEW, "es")), NEW),
        (((OLD, "es"), (NEW, "en")), OLD),  # the person's language matters more
        (((OLD, "en"), (NEW, "pt_BR")), OLD),
        (((NEW, "pt_BR"),), NEW),
    ],
)
def test_m4_the_former_version_is_used_until_the_new_one_is_approved(
    approved: tuple[tuple[Definition, str], ...], expected: Definition
) -> None:
    channel = Channel(approved=frozenset(approval(one.name, language) for one, language in approved))
    filled = NEW.filled(**EXAMPLES)
    assert approved_version(filled, channel, "es") == expected.filled(**EXAMPLES)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.name)
def test_a_former_version_has_no_values_of_its_own(definition: Definition) -> None:
    if definition.former is not None:
        assert definition.former in FORMER_DEFINITIONS and set(definition.former.values) <= set(definition.values)
