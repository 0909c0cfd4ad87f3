"""The API's description as a page: it shows every route, fetches nothing from elsewhere, and tries requests out."""

from pathlib import Path
from typing import cast

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from local.environment import API_TOKEN
from tests.support.browsing import Browse
from tests.support.running import Run

SECONDS = 300.0


def find(browser: Chrome, css: str) -> WebElement:
    """The first visible element that this selects, as soon as there is one."""

    def look(_: Chrome) -> WebElement | None:
        return next((one for one in browser.find_elements(By.CSS_SELECTOR, css) if one.is_displayed()), None)

    return cast("WebElement", WebDriverWait(browser, SECONDS).until(look, css))


def click(browser: Chrome, css: str) -> None:
    """By the page itself: what is below the fold counts as covered."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", find(browser, css))


def test_the_api_page_shows_every_route_and_sends_a_request(run: Run, browse: Browse, pictures: Path) -> None:
    document = run.api("GET", "/api/openapi.json")
    browser = browse(1280, 1400)
    browser.get(f"{run.ports.api_url}/api/docs")

    find(browser, ".opblock-tag")
    shown = {tag.get_attribute("data-tag") for tag in browser.find_elements(By.CSS_SELECTOR, ".opblock-tag")}
    assert shown == {tag["name"] for tag in document["tags"]}
    operations = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert len(browser.find_elements(By.CSS_SELECTOR, ".opblock")) == len(operations)
    browser.save_screenshot(str(pictures / "description.png"))

    click(browser, ".auth-wrapper .authorize")
    find(browser, "input[aria-label='auth-bearer-value']").send_keys(API_TOKEN)
    click(browser, ".auth-container .auth-btn-wrapper .authorize")
    click(browser, ".auth-btn-wrapper .btn-done")

    click(browser, "#operations-raffles-list_raffles .opblock-summary-control")
    click(browser, "#operations-raffles-list_raffles .try-out__btn")
    click(browser, "#operations-raffles-list_raffles .execute")
    answer = find(browser, "#operations-raffles-list_raffles .live-responses-table tbody .response")
    assert answer.text.split()[0] == "200"
    assert "BIKE" in answer.text
    browser.save_screenshot(str(pictures / "description-tried.png"))

    complaints = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]  # type: ignore[no-untyped-call] # selenium's
    assert [entry for entry in complaints if "favicon" not in entry["message"]] == []
