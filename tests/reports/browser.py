"""A browser without a network, for pages that must work from files."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def open_browser() -> Iterator:
    """Start Debian's Chromium; skip where it or its driver is absent."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("not here: chromium is not installed: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("not here: playwright is not installed: pip install playwright")
    with sync_playwright() as playwright:
        # A browser for root has no sandbox; sound must start without somebody's click.
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield Browser(browser)
        browser.close()


class Browser:
    """Opens pages."""

    def __init__(self, browser) -> None:
        self._browser = browser

    def visit(self, *, width: int = 1280, dark: bool = False) -> "Visitor":
        """Open a page of its own, without cookies and network."""
        return Visitor(self._browser, width=width, dark=dark)


class Visitor:
    """One page in a browser that is offline; collects what goes wrong."""

    def __init__(self, browser, *, width: int, dark: bool) -> None:
        scheme = "dark" if dark else "light"
        self._context = browser.new_context(
            offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.trouble: list[str] = []
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("dialog", lambda dialog: self.trouble.append(dialog.message))
        self.page.on("requestfailed", lambda request: self.trouble.append(request.url))

    def go(self, path: Path, fragment: str = "") -> None:
        """Open a file."""
        self.page.goto(path.resolve().as_uri() + fragment)

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *error: object) -> None:
        self._context.close()
