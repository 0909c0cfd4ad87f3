"""Every setting has a local value, and what is already in the environment wins over it."""

import re
from pathlib import Path

import pytest

from local.environment import BadPort, Ports, local_environment, ports_from
from local.stack import Stack

STACK = Stack(
    table="a-table",
    bucket="a-bucket",
    queue_url="http://127.0.0.1:4566/000000000000/inbox.fifo",
    exports_url="http://127.0.0.1:4566/000000000000/exports",
)
# Optional, and without a sensible value on one machine.
LEFT_OUT = {"WHATSAPP_APP_SECRET_PREVIOUS", "WHATSAPP_MEDIA_HOSTS", "TOMBOLA_CONSOLE_ORIGIN"}


def test_every_documented_setting_has_a_local_value() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    documented = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))

    assert documented - set(local_environment({}, Ports(), STACK)) == LEFT_OUT


def test_the_documented_values_are_the_local_ones() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    values = dict(re.findall(r"^([A-Z_]+)=(.+)$", example, re.MULTILINE))

    assert values.items() <= local_environment({}, Ports(), STACK).items()


def test_values_in_the_environment_win() -> None:
    base = {"TOMBOLA_TABLE": "mine", "WHATSAPP_GRAPH_URL": "https://graph.facebook.com", "HOME": "/home/me"}

    assert base.items() <= local_environment(base, Ports(), STACK).items()


def test_an_empty_variable_counts_as_not_set() -> None:
    assert local_environment({"TOMBOLA_TABLE": ""}, Ports(), STACK)["TOMBOLA_TABLE"] == "a-table"


def test_addresses_follow_the_ports() -> None:
    environment = local_environment({}, Ports(api=9000, phone=9001, aws=9002), STACK)

    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9002"
    assert environment["WHATSAPP_GRAPH_URL"] == "http://127.0.0.1:9001"
    assert environment["TOMBOLA_WEBHOOK_URL"] == "http://127.0.0.1:9000/whatsapp/webhook"


def test_ports_come_from_the_environment() -> None:
    assert ports_from({"API_PORT": "9000", "AWS_PORT": ""}) == Ports(api=9000, phone=8001, aws=4566)


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "80 80", "²"])
def test_an_invalid_port_is_named(text: str) -> None:
    with pytest.raises(BadPort, match="PHONE_PORT"):
        ports_from({"PHONE_PORT": text})
