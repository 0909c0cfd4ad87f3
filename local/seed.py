"""Creates the local API token and three demo raffles, unless they exist already. `make run` serves after that."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import requests
from tzlocal import get_localzone_name

from chalicelib.container import Container, make
from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.domain.raffles import RaffleEvent
from chalicelib.domain.refusals import CodeTaken, Refusal, TokenKnown
from chalicelib.http.raffles import RaffleBody
from chalicelib.settings import SettingsInvalid
from local.environment import API_TOKEN, BadPort, ports_from

Raffle = dict[str, Any]

TIMEOUT_SECONDS = 30

RAFFLES: tuple[Raffle, ...] = (
    {
        "code": "BIKE",
        "title": "Bicycle for the school trip",
        "description": (
            "The sixth grade of Colegio San Marcos is going to Tikal in November, and this raffle pays for the bus. "
            "Two of our families run a bicycle shop and gave the prize, so every quetzal goes to the trip."
        ),
        "prize": "A 26-inch mountain bike with 21 gears, helmet and lock",
        "unit_amount": 2500,
        "currency": "GTQ",
        "first_number": 1,
        "last_number": 100,
        "hold_minutes": 15,
        "payment_instructions": (
            "Banco del Ejemplo, savings account 018-004512-7, Colegio San Marcos, Comité de Sexto Grado.\n"
            "Cash: Mrs. Elena Morales, school office, 7:30 to 13:00."
        ),
    },
    {
        "code": "MOTO",
        "title": "Motorcycle for the Deportivo Xela youth teams",
        "description": (
            "Deportivo Xela trains 140 children between 6 and 15 and charges none of them. The raffle pays for boots, "
            "goals and the season's travel. Drawn live at the clubhouse with the National Lottery of 20 December."
        ),
        "prize": "A 2026 Honda XR150L motorcycle, papers and first service paid",
        "unit_amount": 5000,
        "currency": "GTQ",
        "first_number": 0,
        "last_number": 9999,
        "hold_minutes": 15,
        "payment_instructions": (
            "Banco del Ejemplo, current account 3-445-08812-0, Asociación Deportivo Xela.\n"
            "Receipts are checked every evening by our treasurer, Don Roberto."
        ),
    },
    {
        "code": "HOUSE",
        "title": "A house for a house: Fundación Techo Amigo",
        "description": (
            "Fundación Techo Amigo builds homes with families who lost theirs to landslides. One number pays for "
            "forty blocks. The winner gets a finished house; twelve families get theirs. Audited accounts on request."
        ),
        "prize": "A new three-bedroom house in San Lucas Sacatepéquez, transfer costs paid",
        "unit_amount": 10000,
        "currency": "GTQ",
        "first_number": 0,
        "last_number": 999_999,
        "hold_minutes": 15,
        "max_per_contact": 200,
        "payment_instructions": (
            "Banco del Ejemplo, current account 066-0031447-5, Fundación Techo Amigo, NIT 7745120-3."
        ),
    },
)


def seed(container: Container) -> list[str]:
    """Create the token, and create and activate the demo raffles that are missing. Return the codes of these."""
    with suppress(TokenKnown):
        container.tokens.create("local", Role.MANAGER, by=COMMAND_LINE, key=API_TOKEN)
    # With the local time zone, the bot shows deadlines by the clock on this desk.
    time_zone = get_localzone_name() or "UTC"
    return [raffle["code"] for raffle in RAFFLES if _put_on_sale(container, {**raffle, "time_zone": time_zone})]


def _put_on_sale(container: Container, raffle: Raffle) -> bool:
    """Create and activate the raffle. Return False if there is one with its code."""
    try:
        created = container.raffles.create(RaffleBody.model_validate(raffle).model_dump(), by=COMMAND_LINE)
    except CodeTaken:
        return False
    container.raffles.move(created.id, RaffleEvent.ACTIVATED, by=COMMAND_LINE)
    return True


def open_organisers_window(phone_url: str) -> None:
    """Open the organiser's 24-hour window in the sandbox, so that notifications are accepted from the start."""
    with suppress(requests.ConnectionError):  # `make run WITHOUT=phone`
        requests.post(
            f"{phone_url}/stand-in/window", json={"contact": "organiser", "open": True}, timeout=TIMEOUT_SECONDS
        )


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Seed the local table, and print one line about the result."""
    try:
        created = seed(make(environment))
        open_organisers_window(ports_from(environment).phone_url)
    except (Refusal, SettingsInvalid, BadPort, requests.RequestException) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"created {', '.join(created)}" if created else "the demo raffles exist already")
    return 0


if __name__ == "__main__":
    sys.exit(main())
