"""Three raffles to try things on, made once, and only over the REST API as an organiser would."""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import requests
from tzlocal import get_localzone_name

from local.environment import API_TOKEN, BadPort, ports_from

Raffle = dict[str, Any]

SECONDS = 30

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


class SeedFailed(Exception):
    """The API did not take the raffles."""


def seed(api_url: str, session: requests.Session) -> list[str]:
    """Make and activate those of the raffles that are missing. Returns their codes."""
    there = {raffle["code"] for raffle in _call(session, "GET", f"{api_url}/api/raffles?page_size=200")["results"]}
    missing = [raffle for raffle in RAFFLES if raffle["code"] not in there]
    for raffle in missing:
        # The bot then says until when a hold lasts by the clock on this desk.
        made = _call(session, "POST", f"{api_url}/api/raffles", {**raffle, "time_zone": get_localzone_name() or "UTC"})
        _call(session, "POST", f"{api_url}/api/raffles/{made['id']}/activate", {})
    return [str(raffle["code"]) for raffle in missing]


def _call(session: requests.Session, method: str, url: str, body: Raffle | None = None) -> Raffle:
    answer = session.request(method, url, json=body, timeout=SECONDS)
    if not answer.ok:
        raise SeedFailed(f"{method} {url} answered {answer.status_code}: {answer.text[:300]}")
    result: Raffle = answer.json()
    return result


def open_organisers_window(phone_url: str) -> None:
    """As if the organiser had written today: WhatsApp lets us write first only within 24 hours of that."""
    with suppress(requests.ConnectionError):  # `make run WITHOUT=phone`
        requests.post(f"{phone_url}/stand-in/window", json={"contact": "organiser", "open": True}, timeout=SECONDS)


def ensure_token() -> None:
    """Make the local API token; it is no error when it is there already."""
    command = [sys.executable, "-m", "chalicelib", "create-token", "local", "--key", API_TOKEN]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise SeedFailed(f"create-token failed: {last}")


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Seed the API of this machine; one line on what was done or what went wrong."""
    try:
        ensure_token()
        with requests.Session() as session:
            session.headers["Authorization"] = f"Token {API_TOKEN}"
            ports = ports_from(environment)
            made = seed(ports.api_url, session)
            open_organisers_window(ports.phone_url)
    except (SeedFailed, BadPort, requests.RequestException) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"made {', '.join(made)}" if made else "raffles are there already")
    return 0


if __name__ == "__main__":
    sys.exit(main())
