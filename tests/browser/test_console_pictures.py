"""The pictures of README.md, as `make console-pictures` writes them: a raffle in the middle of its sale."""

import os
from pathlib import Path

import pytest

from tests.support import receipts
from tests.support.browsing import Browse
from tests.support.buyers import Proof, Stranger
from tests.support.console import Console
from tests.support.running import ROOT, Run

BUYERS = ("Lucía Pérez", "João Silva", "Ana Castillo", "Marco Ortiz", "Elena Ramos", "Pedro Méndez")
DESKTOP, PHONE = (1280, 800), (390, 780)


@pytest.fixture(scope="module")
def folder(pictures: Path) -> Path:
    """docs/images if the pictures are to be written; else where CI keeps its pictures."""
    return ROOT / "docs" / "images" if os.environ.get("WRITE_CONSOLE_PICTURES") else pictures


def test_the_pictures_of_the_readme(run: Run, browse: Browse, folder: Path) -> None:
    orders = []
    for place, name in enumerate(BUYERS):
        numbers = [3 + 14 * place, 4 + 14 * place, 9 + 14 * place]
        orders.append(Stranger(run, name).buys("BIKE", numbers, Proof(receipts.picture(place + 1))))
    for order in orders[:3]:
        run.api("POST", f"/api/orders/{order['id']}/confirm-payment")
    bike = run.raffles()["BIKE"]
    screens = {
        "console-home": (DESKTOP, "/"),
        "console-review": (DESKTOP, "/review"),
        "console-board": (PHONE, f"/raffles/{bike['id']}/show"),
    }
    for name, (size, screen) in screens.items():
        tab = Console(browse(*size), run, folder)
        tab.prefer()
        tab.sign_in(run.token, at=screen)
        tab.settle()
        tab.sees("Motorcycle" if screen == "/" else "Expected" if screen == "/review" else "About it")
        tab.settle()
        assert tab.browser.save_screenshot(str(folder / f"{name}.png"))
        tab.browser.quit()
