"""A browser for tests of the dashboard, and services on free ports for it to ask."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from ats_assets.deployment import Deployment
from ats_assets.serving.app import make_app

ACCESSIBLE = (Path(__file__).parent / "accessible.js").read_text(encoding="utf-8")
NAMES = ("chromium", "chromium-browser", "google-chrome")


def served(deployment: Deployment) -> AbstractContextManager[str]:
    """The service of a deployment on a free port, for as long as the block lasts; its address."""
    return application_served(make_app(deployment))


@contextmanager
def application_served(app: FastAPI) -> Iterator[str]:
    """The same of any application."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        if "ATS_TESTS_NEED_CHROMIUM" in os.environ:
            pytest.fail("there is no Chromium on the path, and ATS_TESTS_NEED_CHROMIUM is set")
        pytest.skip("there is no Chromium on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, with what it must not do: errors in the console, and requests to anywhere else.

    Attributes
    ----------
    errors
        What the console and uncaught exceptions say.
    strangers
        Requests to other places than the service.
    """

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.strangers.append(request.url)

    def show(self, route: str) -> Page:
        """Go to a page of the dashboard and wait until nothing of it is loading."""
        if self.page.url.startswith(self.address):
            self.page.evaluate("route => { location.hash = route; }", route)
        else:
            self.page.goto(f"{self.address}/#{route}")
        name = route.strip("/").split("/")[0].split("?")[0]
        self.page.wait_for_selector(f'.page[data-page="{name}"]')
        self.settled()
        return self.page

    def settled(self) -> None:
        """Wait until no part of the page is loading."""
        self.page.wait_for_function("() => !document.querySelector('.loading')")

    def wider(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def unfit(self) -> list[str]:
        """What is wrong for who uses a keyboard or a screen reader, or sees little."""
        return self.page.evaluate(ACCESSIBLE)


@contextmanager
def watched(browser: Browser, address: str, *, theme: str = "light", width: int = 1440, **how: Any) -> Iterator[Watched]:
    """A fresh page of a browser that nobody has used before."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **how)  # pyright: ignore[reportArgumentType]
    context.set_default_timeout(10_000)
    yield Watched(context.new_page(), address)
    context.close()
