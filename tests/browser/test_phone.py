"""The phone page in Chromium, through one whole sale, as somebody does who has just read the README."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browsing import Browse
from tests.support.running import ROOT, Run

T = TypeVar("T")

PHONE, DESKTOP = (390, 844), (1280, 900)
SECONDS = 300.0
# Bubbles slide in, sheets up, pictures come later: in between there is nothing that anybody looks at.
AT_REST = """
    const endless = (one) => one.effect.getTiming().iterations === Infinity;
    return document.getAnimations().every((one) => one.playState !== "running" || endless(one))
        && [...document.images].every((image) => image.complete);
"""
# Meta's side of the phone, as our application uses it.
MESSAGES = "/v26.0/112233445566778/messages"
AS_APPLICATION = {"Authorization": "Bearer local-access-token"}
ORDER = r"\b[2346789BCDFGHJKMPQRTVWXY]{8}\b"


@dataclass
class Page:
    """The phone page, by what is written on it."""

    browser: Chrome
    url: str
    pictures: Path
    width: str  # names the pictures

    def open(self, contact: str) -> None:
        self.browser.get(f"{self.url}/#{contact}")
        self.browser.refresh()  # another fragment alone is no other page
        self._wait_for_chat(contact)

    def take_phone_of(self, contact: str) -> None:
        """Until their chat has come, the page shows the one before: wait for words that only theirs has."""
        self.tap(f"contact-{contact}")
        self._wait_for_chat(contact)

    def _wait_for_chat(self, contact: str) -> None:
        """Until the page has drawn this person's chat, which at first is a hint: before, it forgets what is written."""
        css = f'[data-testid="contact-{contact}"][aria-current="true"]'
        self._until(lambda browser: browser.find_elements(By.CSS_SELECTOR, css), f"the phone of {contact}")
        drawn = "return document.getElementById('chat').childElementCount > 0"
        self._until(lambda browser: browser.execute_script(drawn), f"the chat of {contact}")

    def find(self, testid: str, text: str = "") -> WebElement:
        """The newest visible element with this test id whose text begins so."""
        css = f'[data-testid="{testid}"]'

        def look(browser: Chrome) -> WebElement | None:
            found = [one for one in browser.find_elements(By.CSS_SELECTOR, css) if one.is_displayed()]
            return next((one for one in reversed(found) if one.text.strip().startswith(text)), None)

        return self._until(look, f"{testid} {text!r}")

    def all(self, testid: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, f'[data-testid="{testid}"]')

    def tap(self, testid: str, text: str = "") -> None:
        self.find(testid, text).click()

    def write(self, text: str) -> None:
        self.find("composer").send_keys(text, Keys.ENTER)

    def hear(self, text: str) -> str:
        """The newest message to the person, once it holds this text."""

        def look(_: Chrome) -> str | None:
            said = self.said("theirs")
            return said[-1] if said and text in said[-1] else None

        return self._until(look, f"a message with {text!r}")

    def wait_for_answers(self, count: int) -> None:
        self._until(lambda _: len(self.said("theirs")) == count, f"{count} answers")

    def said(self, direction: str) -> list[str]:
        """The text of the messages of one side: `mine` or `theirs`."""
        css = f'[data-testid="bubble"][data-direction="{direction}"]'
        # In one go: the page may draw anew in between.
        script = "return [...document.querySelectorAll(arguments[0])].map((bubble) => bubble.innerText)"
        return [str(text) for text in self.browser.execute_script(script, css)]

    def wait_for_ticks(self, state: str) -> None:
        """Until every message of the person has these ticks."""
        script = "return [...document.querySelectorAll('[data-testid=\"tick\"]')].map((tick) => tick.dataset.state)"
        self._until(lambda browser: set(browser.execute_script(script)) == {state}, f"ticks: {state}")

    def picture(self, name: str) -> None:
        self._until(lambda browser: browser.execute_script(AT_REST), "the page is at rest")
        self.browser.save_screenshot(str(self.pictures / f"phone-{self.width}-{name}.png"))

    def shown_pictures(self) -> list[int]:
        """The widths in pixels of the pictures that were sent to the person whose phone it is."""
        script = (
            "return [...document.querySelectorAll('[data-direction=theirs] .picture img')].map(one => one.naturalWidth)"
        )
        return list(self.browser.execute_script(script))

    def overflows(self) -> bool:
        """Whether the page is wider than its window."""
        return bool(self.browser.execute_script("return document.documentElement.scrollWidth > innerWidth"))

    def complaints(self) -> list[str]:
        """What the page wrote into the console: errors, broken rules of its own security policy, missing files."""
        entries = self.browser.get_log("browser")  # type: ignore[no-untyped-call] # selenium's
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def _until(self, look: Callable[[Chrome], T | None], what: str) -> T:
        # An element may be exchanged between being found and being looked at.
        wait = WebDriverWait(self.browser, SECONDS, 0.05, ignored_exceptions=[StaleElementReferenceException])
        return cast("T", wait.until(look, f"not within {SECONDS:g} s: {what}"))


@pytest.fixture(params=[PHONE, DESKTOP], ids=["phone", "desktop"])
def page(request: pytest.FixtureRequest, run: Run, browse: Browse, pictures: Path) -> Page:
    """The page at both sizes, on phones that nobody has used yet."""
    run.phone("POST", "/stand-in/reset")
    width, height = request.param
    return Page(browse(width, height), run.ports.phone_url, pictures, "narrow" if width == PHONE[0] else "wide")


def test_a_whole_sale_on_the_phone_page(run: Run, page: Page) -> None:
    raffle = run.raffles()["BIKE" if page.width == "wide" else "MOTO"]
    page.open("organiser")
    page.write("hola")
    page.hear("¡Hola!")

    order_id = hold_three_numbers(page, raffle["title"])
    assert run.order(order_id)["numbers"] == [5, 12, 99]
    pay_with_the_example_receipt(page)
    assert run.order(order_id)["status"] == "IN_REVIEW"

    page.take_phone_of("organiser")
    assert "Lucía" in page.hear(f"Comprobante del pedido {order_id}")  # in the organiser's language
    page.picture("10-organiser")

    run.api("POST", f"/api/orders/{order_id}/confirm-payment")
    page.take_phone_of("lucia")
    page.hear("is confirmed")
    page.picture("11-confirmed")
    assert page.shown_pictures() == [720]
    if page.width == "wide" and os.environ.get("TOMBOLA_README_SHOT") == "1":
        (ROOT / "docs" / "images").mkdir(parents=True, exist_ok=True)
        page.browser.save_screenshot(str(ROOT / "docs" / "images" / "phone.png"))

    assert len(page.said("theirs")) == 7
    assert not page.overflows()
    assert page.complaints() == []
    assert run.order(order_id)["status"] == "PAID"


def hold_three_numbers(page: Page, title: str) -> str:
    """Lucía, from her first word to numbers that are held. Returns the order's id."""
    page.take_phone_of("lucia")
    page.find("hint")
    page.picture("1-begin")
    page.write("hi")
    page.hear("Welcome")
    page.picture("2-menu")

    page.tap("reply-button", "Browse raffles")
    page.hear(title)
    page.wait_for_ticks("read")
    page.tap("open-list", "See raffles")
    page.find("list-row")
    page.picture("3-list")
    # The row is numbered by the bot and cut to what a list of WhatsApp's holds.
    next(row for row in page.all("list-row") if title[:12] in row.text).click()
    page.hear("Which numbers")
    page.picture("4-raffle")

    page.write("5,12,99")
    found = re.search(ORDER, page.hear("holding these numbers"))
    assert found
    page.picture("5-held")
    return found[0]


def pay_with_the_example_receipt(page: Page) -> None:
    """Lucía again, from her yes to the proof being in review."""
    page.tap("reply-button", "Confirm")
    page.hear("photo or PDF")
    page.picture("6-pay")

    page.tap("attach")
    page.find("attach-example")
    page.picture("7-attach")
    page.tap("attach-example")
    page.find("pending-file")
    page.picture("8-receipt")
    page.tap("send")
    page.hear("Your numbers are safe")
    page.wait_for_ticks("read")
    page.picture("9-in-review")


def see_in(browser: Chrome, language: str) -> None:
    """Let the browser wish for a language, as its settings do."""
    agent = browser.execute_script("return navigator.userAgent")
    browser.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": language})


def test_the_page_speaks_the_browsers_language_or_the_chosen_one(page: Page) -> None:
    see_in(page.browser, "pt-BR")
    page.open("lucia")
    page.find("hint", "Você é Lucía")
    assert page.find("composer").get_attribute("placeholder") == "Mensagem"
    assert page.browser.execute_script("return document.documentElement.lang") == "pt"

    Select(page.find("language")).select_by_value("es")
    page.find("hint", "Eres Lucía")
    page.open("organiser")
    page.find("hint", "El teléfono del organizador")
    see_in(page.browser, "en-US")
    page.open("lucia")
    page.find("hint", "Eres Lucía")  # what was chosen counts
    assert page.complaints() == []


def test_another_language_is_english(page: Page) -> None:
    see_in(page.browser, "de-DE")
    page.open("lucia")
    page.find("hint", "You are Lucía")


def test_a_narrow_strip_of_people_shows_the_one_whose_phone_it_is(run: Run, browse: Browse, pictures: Path) -> None:
    run.phone("POST", "/stand-in/reset")
    page = Page(browse(360, 740), run.ports.phone_url, pictures, "narrowest")
    for number in range(5):
        template = {"name": "hello", "language": {"code": "en"}}
        message = {"messaging_product": "whatsapp", "to": f"+5025557770{number}", "type": "template"}
        run.phone("POST", MESSAGES, json={**message, "template": template}, headers=AS_APPLICATION)
    for contact in ("organiser", "lucia"):
        page.open(contact)
        inside = """
            const list = document.getElementById("people").getBoundingClientRect();
            const person = document.querySelector('[aria-current="true"]').getBoundingClientRect();
            return person.left >= list.left && person.right <= list.right;
        """
        assert page.browser.execute_script(inside)
    assert not page.overflows()


def test_the_way_to_the_newest_message_covers_none(page: Page) -> None:
    page.open("lucia")
    page.write("hi")
    page.hear("Welcome")
    for count in range(2, 7):
        page.write("help")
        page.wait_for_answers(count)
    page.browser.execute_script("document.getElementById('chat').scrollTop = 0")
    page.find("to-end")
    rooms = """
        const chat = document.getElementById("chat").getBoundingClientRect();
        return document.getElementById("to-end").getBoundingClientRect().top >= chat.bottom;
    """
    assert page.browser.execute_script(rooms)
    page.picture("12-newest")
    page.tap("to-end")
    at_end = "return document.getElementById('to-end').hidden"
    page._until(lambda browser: browser.execute_script(at_end), "the end of the chat")


def test_the_chat_is_there_after_a_reload(page: Page) -> None:
    page.open("marco")
    page.write("help")
    page.hear("Así funciona")
    before = page.said("theirs")
    page.open("marco")
    page.hear("Así funciona")
    assert page.said("theirs") == before
    assert page.complaints() == []
