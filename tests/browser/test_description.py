"""The API's description as a page: it shows every route, fetches nothing from elsewhere, and tries requests out."""

from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from local.environment import API_TOKEN
from tests.support.browsing import Browse
from tests.support.running import Run

SECONDS = 300.0


# The page is a custom element: its parts are in shadow roots, which selectors alone do not reach.
IN_ALL_ROOTS = """
const [selector] = arguments, found = [];
function look(root) {
  found.push(...root.querySelectorAll(selector));
  root.querySelectorAll("*").forEach(element => element.shadowRoot && look(element.shadowRoot));
}
look(document);
return found;
"""


def find_all(browser: Chrome, css: str) -> list[WebElement]:
    return cast("list[WebElement]", browser.execute_script(IN_ALL_ROOTS, css))


def find(browser: Chrome, css: str, text: str = "") -> WebElement:
    """The first visible element that this selects, as soon as there is one with this text."""

    def look(_: Chrome) -> WebElement | None:
        return next((one for one in find_all(browser, css) if one.is_displayed() and text in one.text), None)

    patient = WebDriverWait(browser, SECONDS, ignored_exceptions=[StaleElementReferenceException])
    return cast("WebElement", patient.until(look, css))


def click(browser: Chrome, css: str) -> None:
    """By the page itself: what is below the fold counts as covered."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", find(browser, css))


def test_the_api_page_shows_every_route_and_sends_a_request(run: Run, browse: Browse, pictures: Path) -> None:
    document = run.api("GET", "/api/openapi.json")
    browser = browse(1280, 1400)
    browser.get(f"{run.ports.api_url}/api/docs")

    find(browser, ".nav-bar-tag")
    shown = {tag.get_attribute("data-content-id") for tag in find_all(browser, ".nav-bar-tag[id*='tag--']")}
    assert shown == {f"tag--{tag['name']}" for tag in document["tags"]}
    operations = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert len(find_all(browser, ".nav-bar-path[id*='/api/']")) == len(operations)
    browser.save_screenshot(str(pictures / "description.png"))

    click(browser, "#link-auth")
    find(browser, ".api-key-input").send_keys(API_TOKEN)
    click(browser, ".api-key-input + button")

    click(browser, "[id='link-get-/api/raffles']")
    click(browser, ".btn-execute")
    find(browser, ".request-panel", "Response Status: OK (200)")
    find(browser, ".request-panel", "BIKE")
    browser.save_screenshot(str(pictures / "description-tried.png"))

    fetched = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert {urlsplit(url)[:2] for url in fetched} == {urlsplit(run.ports.api_url)[:2]}
    complaints = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]  # type: ignore[no-untyped-call] # selenium's
    assert [entry for entry in complaints if "favicon" not in entry["message"]] == []
