"""The organisers' console in Chromium, by what is written on it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from selenium.common.exceptions import ElementClickInterceptedException, StaleElementReferenceException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.running import ROOT, Run

T = TypeVar("T")
SECONDS = 300.0
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
# Nothing loads, nothing moves: in between there is nothing that anybody looks at.
AT_REST = """
    const endless = (one) => one.effect.getTiming().iterations === Infinity;
    return document.querySelector("h1") !== null
        && document.querySelector(".MuiCircularProgress-root") === null
        && document.getAnimations().every((one) => one.playState !== "running" || endless(one))
        && [...document.images].every((image) => image.complete);
"""
# CSS transitions and MUI's growing menus: a tap on what moves hits its neighbour.
STILL = """
    const endless = (one) => one.effect.getTiming().iterations === Infinity;
    return document.getAnimations().every((one) => one.playState !== "running" || endless(one));
"""
FIND_FAULTS = """
    const done = arguments[arguments.length - 1];
    axe.run(document, {resultTypes: ["violations"]}).then((found) => done(found.violations.map(
        (one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).join(" ")}`)));
"""


@dataclass
class Console:
    """One tab with the console."""

    browser: Chrome
    run: Run
    pictures: Path

    @property
    def url(self) -> str:
        return f"{self.run.api_url}/console/"

    def prefer(self, *, language: str = "en", theme: str = "light") -> None:
        """Choose as on an earlier visit."""
        self.browser.get(self.url)
        for name, value in (("language", language), ("theme", theme)):
            self.browser.execute_script(f"localStorage.setItem('tombola.{name}', arguments[0])", value)
        self.browser.get("about:blank")  # the page is made anew, as on a visit

    def sign_in(self, token: str, *, at: str = "/") -> None:
        """Open a screen, and sign in where that is asked for. Any language will do."""
        self.open(at)
        self.until(lambda browser: browser.find_elements(By.NAME, "token"), "the token is asked for")
        self.browser.find_element(By.NAME, "token").send_keys(token, Keys.ENTER)
        self.until(lambda browser: not browser.find_elements(By.NAME, "token"), "signed in")

    def open(self, screen: str) -> None:
        self.browser.get(f"{self.url}#{screen}")

    def at(self) -> str:
        """The screen that is shown, as in the address."""
        return self.browser.current_url.partition("#")[2]

    def find(self, xpath: str, what: str = "") -> WebElement:
        """The first visible element, as soon as there is one."""

        def look(browser: Chrome) -> WebElement | None:
            return next((one for one in browser.find_elements(By.XPATH, xpath) if one.is_displayed()), None)

        return self.until(look, what or xpath)

    def button(self, name: str) -> WebElement:
        """A button or link with this text or label."""
        named = f'normalize-space()="{name}" or @aria-label="{name}"'
        tags = 'self::button or self::a or @role="button" or @role="menuitem" or @role="tab" or @role="option"'
        return self.find(f"//*[({tags}) and ({named})]", f"the button {name}")

    def tap(self, name: str) -> None:
        """Tap what can be tapped: not what is disabled, moves or lies below something else."""

        def tapped(_: Chrome) -> bool:
            found = self.button(name)
            if not found.is_enabled() or not self.browser.execute_script(STILL):
                return False
            self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
            try:
                found.click()
            except ElementClickInterceptedException:
                return False
            return True

        self.until(tapped, f"{name} can be tapped")

    def field(self, label: str) -> WebElement:
        return self.find(f'//*[@id=//label[starts-with(normalize-space(), "{label}")]/@for]', f"the field {label}")

    def fill(self, label: str, text: str) -> None:
        found = self.field(label)
        found.send_keys(Keys.CONTROL, "a")
        found.send_keys(text)

    def press(self, *keys: str) -> None:
        """Press keys while nothing in particular has the focus."""
        self.browser.find_element(By.TAG_NAME, "body").send_keys(*keys)

    def sees(self, text: str) -> None:
        """Until this text is on the page."""
        self.until(lambda browser: text in self.text(), f"the text {text!r}")

    def text(self) -> str:
        """What is on the page. Blanks that must not break are usual ones."""
        return str(self.browser.execute_script("return document.body.innerText")).replace("\N{NO-BREAK SPACE}", " ")

    def settle(self) -> None:
        self.until(lambda browser: browser.execute_script(AT_REST), "the page is at rest")

    def picture(self, name: str) -> None:
        self.settle()
        self.browser.save_screenshot(str(self.pictures / f"console-{name}.png"))

    def faults(self) -> list[str]:
        """What axe-core finds wrong, of any impact."""
        self.browser.execute_script(AXE.read_text("utf-8"))
        return list(self.browser.execute_async_script(FIND_FAULTS))

    def small_targets(self) -> list[str]:
        """Buttons and fields that a thumb would miss: less than 44 pixels high or wide. Links in a text may be."""
        script = """
            const seen = (one) => one.checkVisibility() && one.getBoundingClientRect().width > 0;
            return [...document.querySelectorAll("button, [role=button], [role=tab], input:not([type=hidden])")]
                .map((one) => one.closest(".MuiInputBase-root, .MuiCheckbox-root, .MuiListItemButton-root") ?? one)
                .filter(seen)
                .filter((one) => one.getBoundingClientRect().height < 43.5 || one.getBoundingClientRect().width < 43.5)
                .map((one) => one.outerHTML.slice(0, 150));
        """
        return list(self.browser.execute_script(script))

    def overflows(self) -> bool:
        """Whether the page is wider than its window."""
        return bool(self.browser.execute_script("return document.documentElement.scrollWidth > innerWidth"))

    def complaints(self) -> list[str]:
        """What the browser logged of our policy, of scripts, and of other origins."""
        words = ("Content Security Policy", "Refused to", "Uncaught", "blocked")
        log: list[dict[str, Any]] = self.browser.get_log("browser")  # type: ignore[no-untyped-call] # selenium's
        return [entry["message"] for entry in log if any(word in entry["message"] for word in words)]

    def until(self, find: Callable[[Chrome], T | None], what: str) -> T:
        patient = WebDriverWait(self.browser, SECONDS, 0.05, [StaleElementReferenceException])
        return cast("T", patient.until(find, what))
