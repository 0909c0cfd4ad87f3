"""Chromium, and a `make run` of its own, so that the pictures show what somebody sees who has just begun."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.support.browsing import Browse
from tests.support.running import ROOT, Run, running

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en-US",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("run") / "state") as made:
        yield made


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Browse]:
    """Opens a browser with a page of this width and height."""
    with ExitStack() as browsers:

        def browse(width: int, height: int) -> Chrome:
            options = ChromeOptions()
            options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
            profile = tmp_path / f"profile-{width}"
            for flag in (*FLAGS, f"--user-data-dir={profile}"):
                options.add_argument(flag)
            options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
            # Without a driver of the system's, Selenium looks for one itself.
            driver = shutil.which("chromedriver")
            browser = Chrome(options, Service(driver) if driver else Service())
            browsers.callback(browser.quit)
            # The window's own size is not the page's, and a headless window is never as narrow as a phone.
            metrics = {
                "width": width,
                "height": height,
                "deviceScaleFactor": 2 if width < 600 else 1,
                "mobile": width < 600,
            }
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})
            browser.set_page_load_timeout(300)
            return browser

        yield browse


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go: CI keeps them."""
    folder = Path(os.environ.get("TOMBOLA_SCREENSHOTS") or ROOT / "ci-output" / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
