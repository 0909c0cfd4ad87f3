"""Open pages in a browser."""

from collections.abc import Callable

from selenium.webdriver import Chrome

Browse = Callable[[int, int], Chrome]
