"""The organisers' console in Chromium, against all parts of `make run`: what organisers do, and what may go wrong."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By

from tests.support import receipts
from tests.support.browsing import Browse
from tests.support.buyers import Json, Proof, Stranger
from tests.support.console import Console
from tests.support.running import Run, until

PHONE, DESKTOP = (360, 740), (1280, 900)
HOSTILE = "<img src=x onerror=\"document.title='hacked'\">"
Open = Callable[..., Console]


@pytest.fixture
def console(run: Run, browse: Browse, pictures: Path) -> Open:
    """Opens a tab that is signed in, with a token of its own where one is named."""

    def make(size: tuple[int, int] = DESKTOP, *, token: str = run.token, at: str = "/", **preferences: str) -> Console:
        tab = Console(browse(*size), run, pictures)
        tab.prefer(**preferences)
        tab.sign_in(token, at=at)
        return tab

    return make


@pytest.fixture(scope="module")
def raffle(run: Run) -> Json:
    return run.raffle("FAIR", title="Summer fair", unit_amount=2500, first_number=1, last_number=100)


def a_token(run: Run, name: str, role: str) -> Json:
    return run.api("POST", "/api/tokens", {"name": name, "role": role})


def status_of(run: Run, order: Json) -> str:
    return str(run.order(order["id"])["status"])


def becomes(run: Run, order: Json, status: str) -> None:
    until(lambda: status_of(run, order) == status, f"the order is {status}")


def a_pdf() -> Proof:
    file = BytesIO()
    receipts.receipt(60).save(file, "PDF", save_all=True, append_images=[receipts.receipt(61)])
    return Proof(file.getvalue(), "application/pdf", name=f"{HOSTILE}.pdf")


def test_signing_in_and_out(run: Run, browse: Browse, pictures: Path) -> None:
    tab = Console(browse(*DESKTOP), run, pictures)
    tab.prefer()
    tab.open("/orders")
    tab.sees("Sign in")
    tab.picture("sign-in")
    assert tab.faults() == []
    token = tab.browser.find_element(By.NAME, "token")
    token.send_keys("wrong", Keys.ENTER)
    tab.sees("This token is not known")
    token.send_keys(Keys.CONTROL, "a")
    token.send_keys(run.token, Keys.ENTER)
    tab.sees("Orders")
    assert tab.at().startswith("/orders")
    assert run.token not in tab.browser.current_url
    assert run.token not in tab.browser.execute_script("return JSON.stringify(localStorage) + document.cookie")
    tab.tap("Signed in as local")
    tab.tap("Sign out")
    tab.until(lambda browser: browser.find_elements(By.NAME, "token"), "signed out")
    assert tab.browser.execute_script("return sessionStorage.getItem('tombola.token')") is None
    assert tab.complaints() == []


def test_a_token_that_is_revoked_leads_to_the_sign_in_and_back(run: Run, console: Open) -> None:
    made = a_token(run, "Short", "manager")
    tab = console(token=made["key"], at="/raffles/create")
    tab.fill("Title", "Half a raffle")
    run.api("DELETE", f"/api/tokens/{made['id']}")
    tab.tap("Save")
    tab.sees("Your session has ended")
    tab.browser.find_element(By.NAME, "token").send_keys(run.token, Keys.ENTER)
    tab.sees("How buyers see it")
    assert tab.at() == "/raffles/create"
    assert tab.field("Title").get_attribute("value") == "Half a raffle"


def test_a_treasurer_reviews_proofs_by_keyboard(run: Run, console: Open, raffle: Json) -> None:
    good = Stranger(run, "Good Payer").buys("FAIR", [1, 2], Proof(receipts.picture(41)))
    bad = Stranger(run, "Copy Cat").buys("FAIR", [3], Proof(receipts.picture(41)))
    pdf = Stranger(run, HOSTILE).buys("FAIR", [4], a_pdf())
    tab = console(at="/review")

    tab.sees(good["id"])
    tab.sees("GTQ 50.00")
    tab.press("c")
    tab.sees("The order counts as paid")
    tab.browser.switch_to.active_element.send_keys(Keys.ENTER)
    becomes(run, good, "PAID")

    tab.sees(bad["id"])
    tab.sees(f"The same file came with order {good['id']}")
    tab.tap("Compare")
    tab.sees(f"Proof of {good['id']}")
    tab.picture("review-duplicates")
    tab.press("r")
    tab.sees("The buyer reads the reason")
    tab.browser.switch_to.active_element.send_keys("4")
    tab.until(lambda b: b.switch_to.active_element.get_attribute("value") == "This proof was used before", "the reason")
    tab.browser.switch_to.active_element.send_keys(Keys.ENTER)
    becomes(run, bad, "PENDING_PAYMENT")
    assert run.order(bad["id"])["rejected_reason"] == "This proof was used before"

    tab.sees(pdf["id"])
    tab.sees("Page 1 of 2")
    tab.settle()
    drawn = "return [...document.querySelectorAll('canvas')].some((one) => one.width > 100)"
    tab.until(lambda browser: browser.execute_script(drawn), "the page of the PDF is drawn")
    tab.press("t", "+")
    tab.sees("<img src=x onerror=")
    tab.picture("review-pdf")
    tab.press("c")
    tab.sees("The order counts as paid")
    tab.browser.switch_to.active_element.send_keys(Keys.ENTER)
    becomes(run, pdf, "PAID")
    tab.sees("No proof waits")
    assert tab.complaints() == []


def test_two_organisers_see_each_other_and_nothing_is_decided_twice(run: Run, console: Open, raffle: Json) -> None:
    order = Stranger(run, "Wanted Twice").buys("FAIR", [10], Proof(receipts.picture(42)))
    olga = console(DESKTOP, token=a_token(run, "Olga", "cashier")["key"], at=f"/review/{order['id']}")
    olga.sees("Wanted Twice")
    pedro = console(PHONE, token=a_token(run, "Pedro", "cashier")["key"], at=f"/review/{order['id']}")
    pedro.sees("Olga is looking at this one")

    pedro.tap("Reject")
    pedro.fill("Reason", "Unreadable, sorry")
    olga.press("c")
    olga.sees("The order counts as paid")
    olga.browser.switch_to.active_element.send_keys(Keys.ENTER)
    becomes(run, order, "PAID")

    pedro.tap("Reject proof")
    pedro.sees("by Olga")
    pedro.sees("What you typed is still here")
    assert pedro.field("Reason").get_attribute("value") == "Unreadable, sorry"
    assert status_of(run, order) == "PAID"
    pedro.picture("conflict-phone")


def test_orders_are_found_filtered_and_settled_in_bulk(run: Run, console: Open, raffle: Json) -> None:
    first = Stranger(run, "Bulk One").buys("FAIR", [20])
    second = Stranger(run, "Bulk Two").buys("FAIR", [21])
    tab = console(at="/orders")
    search = tab.find('//input[@aria-label="Search orders"]')
    search.send_keys("Bulk One", Keys.ENTER)
    tab.until(lambda _: first["id"] in tab.text() and second["id"] not in tab.text(), "only the one that was searched")
    tab.tap("Clear filters")
    tab.tap("Waiting for payment")
    for order in (first, second):
        tab.find(f'//input[@aria-label="Select {order["id"]}"]/..').click()
    tab.tap("Confirm payment")
    tab.sees("Would be done: 2")
    assert {status_of(run, first), status_of(run, second)} == {"PENDING_PAYMENT"}
    tab.tap("Do it")
    becomes(run, first, "PAID")
    becomes(run, second, "PAID")

    tab.open(f"/orders/{first['id']}/show")
    tab.sees("What happened")
    tab.sees("Payment confirmed")
    tab.tap("Refund")
    tab.fill("Reason", "Paid twice")
    tab.find('//*[@role="dialog"]//button[@type="submit"]').click()
    becomes(run, first, "REFUNDED")


def test_a_raffle_is_created_previewed_activated_and_shared(run: Run, console: Open) -> None:
    tab = console(at="/raffles/create")
    tab.fill("Title", f"{HOSTILE} raffle")
    tab.fill("Prize", "A basket")
    tab.fill("Price of a number", "12,50")
    tab.fill("Last number", "many")
    tab.tap("Save")
    tab.until(lambda b: b.find_elements(By.CSS_SELECTOR, '[name="last_number"][aria-invalid="true"]'), "it is named")
    tab.fill("Last number", "50")
    tab.fill("Code", "BASKET")
    tab.fill("How buyers pay", "Bank X, account 1")
    tab.sees("A basket")
    tab.sees("How buyers see it")
    tab.picture("raffle-form")
    tab.tap("Save")
    tab.sees("Before it goes on sale")
    tab.picture("raffle-checklist")
    tab.tap("Put on sale")
    tab.find('//*[@role="dialog"]//button[@type="submit"]').click()
    until(lambda: run.raffles()["BASKET"]["status"] == "ACTIVE", "the raffle is on sale")
    assert run.raffles()["BASKET"]["unit_amount"] == 1250
    tab.tap("Share")
    tab.until(lambda _: "wa.me" in str(tab.field("Link to the chat").get_attribute("value")), "the link is there")
    tab.picture("raffle-share")
    assert tab.complaints() == []
    assert tab.browser.title.startswith("<img")  # as text


def test_a_change_of_somebody_else_is_not_overwritten(run: Run, console: Open) -> None:
    raffle = run.raffle("SHARED", title="Shared raffle")
    tab = console(at=f"/raffles/{raffle['id']}")
    tab.fill("Prize", "My prize")
    run.api("PATCH", f"/api/raffles/{raffle['id']}", {"description": "Theirs"})
    tab.tap("Save")
    tab.sees("Changed meanwhile")
    tab.sees("You changed: Prize")
    tab.tap("Save mine on top")
    until(lambda: run.api("GET", f"/api/raffles/{raffle['id']}")["prize"] == "My prize", "mine is saved")
    assert run.api("GET", f"/api/raffles/{raffle['id']}")["description"] == "Theirs"


def test_a_number_of_the_board_tells_who_has_it(run: Run, console: Open, raffle: Json) -> None:
    order = Stranger(run, "Board Owner").buys("FAIR", [30])
    tab = console(at=f"/raffles/{raffle['id']}/show")
    board = tab.find('//*[@data-testid="board"]')
    board.send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 29)
    tab.sees("Number 030: Held")
    board.send_keys(Keys.ENTER)
    tab.sees("Board Owner")
    tab.sees(order["id"])
    tab.picture("board-number")
    tab.tap("Close")
    tab.fill("Number", "999")
    tab.tap("Show")
    tab.sees("The raffle has the numbers 001 to 100")


def test_a_raffle_never_shows_the_board_of_the_one_before(run: Run, console: Open, raffle: Json) -> None:
    tab = console(at="/raffles")
    tab.sees("Motorcycle")  # both raffles are known from the list, so that the next one is shown at once
    tab.open(f"/raffles/{raffle['id']}/show")
    tab.find('//*[@data-testid="board" and contains(@aria-label, "001 to 100")]')
    slow = {"offline": False, "latency": 1000, "downloadThroughput": -1, "uploadThroughput": -1}
    tab.browser.execute_cdp_cmd("Network.enable", {})
    tab.browser.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    tab.open(f"/raffles/{run.raffles()['MOTO']['id']}/show")
    tab.find('//h1[contains(., "Motorcycle")]')
    others = '[data-testid="board"]:not([aria-label*="0000 to 9999"])'
    assert tab.browser.find_elements(By.CSS_SELECTOR, others) == []
    tab.find('//*[@data-testid="board" and contains(@aria-label, "0000 to 9999")]')


def test_somebody_is_answered_by_a_person(run: Run, console: Open) -> None:
    asker = Stranger(run, "Asks A Lot")
    asker.says("human", f"{HOSTILE} *bold*")
    contact = until(
        lambda: run.api("GET", "/api/contacts?person_wanted=true")["results"], "somebody waits for a person"
    )[0]
    tab = console(PHONE, at=f"/contacts/{contact['id']}/show", language="en")
    tab.sees(HOSTILE)
    tab.fill("Write a message", "Hello, this is Olga.")
    tab.tap("Send")
    tab.until(
        lambda _: tab.text().count("Hello, this is Olga.") >= 1 and not tab.field("Write").get_attribute("value"),
        "it is sent",
    )
    assert run.api("GET", f"/api/contacts/{contact['id']}")["bot_paused"] is True
    until(lambda: not run.api("GET", "/api/contacts?person_wanted=true")["results"], "nobody waits")
    tab.tap("Erase personal data")
    tab.sees("It cannot be undone")
    assert not tab.find('//*[@role="dialog"]//button[@type="submit"]').is_enabled()
    tab.fill("Write ERASE", "ERASE")
    tab.find('//*[@role="dialog"]//button[@type="submit"]').click()
    until(lambda: run.api("GET", f"/api/contacts/{contact['id']}")["erased_at"], "the data is erased")
    assert tab.complaints() == []


def test_a_bank_statement_is_matched_and_confirmed(run: Run, console: Open, raffle: Json, tmp_path: Path) -> None:
    sure = Stranger(run, "Bank Payer").buys("FAIR", [40])
    short = Stranger(run, "Short Payer").buys("FAIR", [41])
    lines = f"Fecha;Concepto;Importe GTQ\n20.11.2026;{sure['id']};25,00\n20.11.2026;{short['id']} {HOSTILE};20,00\n"
    statement = tmp_path / "statement.csv"
    statement.write_text(lines, encoding="utf-8")
    tab = console(at="/money")
    tab.until(lambda b: b.find_elements(By.CSS_SELECTOR, "[data-testid=statement]"), "a file can be chosen")
    tab.browser.find_element(By.CSS_SELECTOR, "[data-testid=statement]").send_keys(str(statement))
    tab.sees("the amount differs")
    tab.picture("statement")
    assert tab.faults() == []
    tab.tap("Confirm 1 sure order")
    tab.sees("Would be done: 1")
    tab.tap("Do it")
    becomes(run, sure, "PAID")
    assert status_of(run, short) == "PENDING_PAYMENT"
    assert tab.complaints() == []


def test_an_export_is_started_and_ready(run: Run, console: Open, raffle: Json) -> None:
    tab = console(at=f"/money?raffle={raffle['id']}&tab=exports")
    tab.tap("Start")
    tab.button("Download")
    tab.picture("exports")
    assert run.api("GET", f"/api/raffles/{raffle['id']}/exports")["results"][0]["status"] == "READY"


def test_a_colleague_signs_in_with_a_link_once(run: Run, console: Open, browse: Browse, pictures: Path) -> None:
    tab = console(at="/tokens")
    tab.tap("Sign-in link for a colleague")
    tab.fill("Name", "New Colleague")
    tab.tap("Make the link")
    link = str(tab.field("Sign-in link").get_attribute("value"))
    tab.picture("sign-in-link")
    colleague = Console(browse(*PHONE), run, pictures)
    colleague.prefer()
    colleague.browser.get(link)
    colleague.until(lambda _: colleague.at() == "/", "signed in")
    assert link.rpartition("/")[2] not in colleague.browser.current_url
    again = Console(browse(400, 740), run, pictures)
    again.prefer()
    again.browser.get(link)
    again.sees("This link was used before")


def test_who_may_only_read_is_offered_nothing_else(run: Run, console: Open, raffle: Json) -> None:
    order = Stranger(run, "Seen By Viewer").buys("FAIR", [50], Proof(receipts.picture(43)))
    tab = console(token=a_token(run, "Viewer", "viewer")["key"], at=f"/review/{order['id']}")
    tab.sees("Seen By Viewer")
    tab.settle()
    offered = {button.text for button in tab.browser.find_elements(By.TAG_NAME, "button")}
    assert not offered & {"Confirm payment", "Reject proof"}
    tab.open("/tokens")
    tab.sees("Your role may not do this")
    tab.open("/raffles")
    tab.sees("Summer fair")
    assert "New raffle" not in tab.text()


def test_without_a_connection_it_says_so_and_tries_again(run: Run, console: Open, raffle: Json) -> None:
    tab = console()
    tab.sees("Needs you now")
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    tab.browser.execute_cdp_cmd("Network.enable", {})
    tab.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **conditions})
    tab.sees("You are offline")
    tab.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **conditions})
    tab.until(lambda _: "You are offline" not in tab.text(), "the connection is back")

    tab.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/orders*"]})
    tab.open("/orders")
    tab.sees("No connection")
    tab.picture("failing")
    assert tab.faults() == []
    tab.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    tab.tap("Try again")
    tab.find('//table[@aria-label="Orders"]')

    tab.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **conditions, "latency": 1500})
    tab.open("/contacts")
    tab.until(lambda b: b.find_elements(By.CSS_SELECTOR, '[role="status"]'), "it says that it loads")
    tab.find('//table[@aria-label="Contacts"]')


SCREENS = {
    "home": "/", "review": "/review", "orders": "/orders", "order": "/orders/{order}/show", "raffles": "/raffles",
    "raffle": "/raffles/{raffle}/show", "board-10000": "/raffles/{moto}/show", "board-ranges": "/raffles/{house}/show",
    "raffle-edit": "/raffles/{raffle}", "contacts": "/contacts", "chat": "/contacts/{contact}/show",
    "statement": "/money", "report": "/money?raffle={raffle}", "exports": "/money?raffle={raffle}&tab=exports",
    "undelivered": "/undelivered", "letters": "/undelivered?tab=letters", "audit": "/audit", "tokens": "/tokens",
    "settings": "/settings", "nothing": "/orders/22222222/show",
}  # fmt: skip


@pytest.mark.parametrize(
    ("size", "theme", "language"),
    [(DESKTOP, "light", "en"), (PHONE, "dark", "es"), (PHONE, "light", "pt"), (DESKTOP, "dark", "pt")],
)
def test_every_screen_can_be_read_by_everybody(
    run: Run, console: Open, raffle: Json, size: tuple[int, int], theme: str, language: str
) -> None:
    numbers = [60 + 2 * len(run.api("GET", "/api/orders?page_size=200")["results"]) % 40]
    taken = run.tickets(raffle, "RESERVED").keys() | run.tickets(raffle, "SOLD").keys()
    free = next(number for number in (*numbers, *range(51, 101)) if number not in taken)
    order = Stranger(run, HOSTILE).buys("FAIR", [free], Proof(receipts.picture(100 + free)))
    ids = {"order": order["id"], "contact": order["contact"], "raffle": raffle["id"]}
    ids |= {code.lower(): found["id"] for code, found in run.raffles().items() if code in ("MOTO", "HOUSE")}
    tab = console(size, theme=theme, language=language)
    found = dict[str, object]()
    for name, screen in SCREENS.items():
        tab.open(screen.format(**ids))
        tab.picture(f"{name}-{size[0]}-{theme}-{language}")
        faults = tab.faults() + (["overflows"] if tab.overflows() else [])
        faults += tab.small_targets() if size == PHONE else []
        if faults:
            found[name] = faults
    assert found == {}
    assert tab.complaints() == []
    fetched = tab.browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    ours = {urlsplit(run.ports.api_url)[:2], urlsplit(run.ports.aws_url)[:2]}
    assert {urlsplit(url)[:2] for url in fetched} <= ours
