"""Creates three demo raffles through the REST API, as an organiser would, unless they exist already."""

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


class SeedFailed(Exception):
    """The API refused a request."""


def seed(api_url: str, session: requests.Session) -> list[str]:
    """Create and activate the demo raffles that are missing. Return their codes. Raises SeedFailed."""
    existing = {raffle["code"] for raffle in _call(session, "GET", f"{api_url}/api/raffles?page_size=200")["results"]}
    missing = [raffle for raffle in RAFFLES if raffle["code"] not in existing]
    for raffle in missing:
        # With the local time zone, the bot shows deadlines by the clock on this desk.
        time_zone = get_localzone_name() or "UTC"
        created = _call(session, "POST", f"{api_url}/api/raffles", {**raffle, "time_zone": time_zone})
        _call(session, "POST", f"{api_url}/api/raffles/{created['id']}/activate", {})
    return [str(raffle["code"]) for raffle in missing]


def _call(session: requests.Session, method: str, url: str, body: Raffle | None = None) -> Raffle:
    response = session.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
    if not response.ok:
        raise SeedFailed(f"{method} {url} answered {response.status_code}: {response.text[:300]}")
    result: Raffle = response.json()
    return result


def open_organisers_window(phone_url: str) -> None:
    """Open the organiser's 24-hour window in the sandbox, so that notifications are accepted from the start."""
    with suppress(requests.ConnectionError):  # `make run WITHOUT=phone`
        requests.post(
            f"{phone_url}/stand-in/window", json={"contact": "organiser", "open": True}, timeout=TIMEOUT_SECONDS
        )


def ensure_token() -> None:
    """Create the local API token unless it exists already. Raises SeedFailed."""
    command = [sys.executable, "-m", "chalicelib", "create-token", "local", "--key", API_TOKEN]
    process = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if process.returncode:
        last = (process.stderr.strip() or process.stdout.strip() or "no output").splitlines()[-1]
        raise SeedFailed(f"create-token failed: {last}")


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Seed the local API, and print one line about the result."""
    try:
        ensure_token()
        with requests.Session() as session:
            session.headers["Authorization"] = f"Token {API_TOKEN}"
            ports = ports_from(environment)
            created = seed(ports.api_url, session)
            open_organisers_window(ports.phone_url)
    except (SeedFailed, BadPort, requests.RequestException) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"created {', '.join(created)}" if created else "the demo raffles exist already")
    return 0


if __name__ == "__main__":
    sys.exit(main())
