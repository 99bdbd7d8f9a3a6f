"""The dashboard in a real browser, on the service itself: each page in light and dark, wide and on a phone, by keyboard, and on bad days."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, WebSocketRoute, expect

from ats_assets.deployment import Deployment
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import Role
from ats_assets_tests.serving.dashboard_browser import Watched, served, started_browser, watched
from ats_assets_tests.serving.made_deployment import deployment_in

SYMBOL = "SYN0001"
PAGES = ("/dashboard", "/signals", f"/symbol/{SYMBOL}", "/portfolio", "/paper", "/analytics", "/data", "/models", "/settings", "/login")
LOOKS = (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390))
API = re.compile(r"/api/v1/(?!stream)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(browser: Browser, deployment: Deployment) -> Iterator[str]:
    with served(deployment) as address:
        yield address


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Watched]:
    """A wide page in light."""
    with watched(browser, address) as watching:
        yield watching


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_each_page_is_whole(browser: Browser, address: str, theme: str, width: int) -> None:
    """No error, no request to elsewhere, no scrolling sideways, nothing that a keyboard or a screen reader misses, no part that failed."""
    with watched(browser, address, theme=theme, width=width) as watching:
        for route in PAGES:
            page = watching.show(route)
            assert page.evaluate("document.documentElement.dataset.theme") == theme
            assert page.locator('.notice[data-kind="error"]').all_inner_texts() == [], route
            assert watching.wider() <= 0, (route, width)
            assert watching.unfit() == [], route
        assert watching.errors == []
        assert watching.strangers == []


def test_the_dashboard_says_what_the_service_says(desk: Watched) -> None:
    page = desk.show("/dashboard")
    account = page.request.get(f"{desk.address}/api/v1/portfolio/account").json()
    held = page.request.get(f"{desk.address}/api/v1/portfolio/positions").json()["data"]
    assert len(held) > 2
    expect(page.locator(".figures").first).to_contain_text(f"{float(account['equity']):,.2f}")
    rows = page.locator('section:has(h2:text-is("Positions")) tbody tr')
    expect(rows).to_have_count(len(held))
    largest = max(held, key=lambda row: abs(float(row["value"])))
    expect(rows.first).to_contain_text(largest["symbol"])
    expect(rows.first).to_contain_text(f"{float(largest['value']):,.2f}")


def test_a_page_that_is_loaded_again_is_the_same(desk: Watched) -> None:
    """The browser asks whether what it kept is current, and is told so without being sent it."""
    page = desk.show("/signals?session=2021-03-30")
    rows = page.locator("tbody tr").count()
    assert page.reload() is not None
    page.wait_for_selector('.page[data-page="signals"]')
    desk.settled()
    assert page.locator("tbody tr").count() == rows
    assert page.locator("select").input_value() == "2021-03-30"
    assert desk.errors == []


def test_a_trader_needs_no_mouse(desk: Watched) -> None:
    """From the dashboard to the signals, sort them, open a row, find another symbol, and back to the portfolio; then the sheet of shortcuts and the other theme."""
    page = desk.show("/dashboard")
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_selector('.page[data-page="signals"] tbody tr[tabindex="0"]')
    score = page.locator("thead button", has_text="Score")
    score.focus()
    page.keyboard.press("Enter")
    expect(page.locator('th[aria-sort="descending"]')).to_contain_text("Score")
    page.locator('tbody tr[tabindex="0"]').focus()
    page.keyboard.press("ArrowDown")
    second = page.locator("tbody tr").nth(1)
    expect(second).to_be_focused()
    symbol = second.locator(".symbol").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(symbol)
    page.wait_for_selector('.page[data-page="symbol"] figure.chart')
    page.locator("figure.chart").first.focus()
    page.keyboard.press("Home")
    expect(page.locator(".legend .when").first).to_have_text("2021-01-04")
    page.keyboard.press("/")
    page.wait_for_selector(".found li")
    page.keyboard.type("syn0003")
    expect(page.locator(".found li")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("SYN0003")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("Paper trading")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_selector('.page[data-page="portfolio"]')
    assert desk.errors == []


def test_text_that_looks_like_html_stays_text(desk: Watched) -> None:
    """A symbol or a reason of a vendor's is shown letter by letter, wherever it comes."""
    hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>'

    def spoil(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        for row in told.get("data", []):
            row["symbol"], row["reasons"], row["strategy"] = hostile, [hostile], hostile
        route.fulfill(response=answer, body=json.dumps(told))

    desk.page.route(API, spoil)
    page = desk.show("/signals")
    expect(page.locator("tbody tr").first).to_contain_text("<img src=x")
    page.locator("tbody tr").first.locator("a").click()
    page.wait_for_selector('.page[data-page="symbol"]')
    expect(page.locator("h1")).to_contain_text("<script>")
    assert page.locator("main img, main script").count() == 0
    assert "1" not in page.title()[:1]


def test_each_signal_is_explained_down_to_the_delivery(desk: Watched) -> None:
    page = desk.show(f"/symbol/{SYMBOL}")
    lineage = page.locator('section:has(h2:text-is("Lineage"))')
    expect(lineage.locator(".way")).to_contain_text("bars ← raw_bars")
    closed = lineage.locator(
        "details:not([open]) > summary", has=page.locator('.asset:text-matches("^(signals|predictions|alpha158|bars|raw_bars)$")')
    )
    delivery = lineage.locator("details[open]", has=page.locator('> summary .asset:text-is("raw_bars")'))
    for _ in range(12):  # a window, then the session's own, level by level
        if delivery.count():
            break
        closed.last.click()
    expect(delivery.last).to_contain_text("raw_bars")
    expect(delivery.last).to_contain_text("digest ")
    expect(delivery.last).to_contain_text("known since")
    expect(page.locator('section:has(h2:text-is("Why this score"))')).to_contain_text("Score")


def test_a_service_that_is_gone_is_said_and_what_was_shown_stays(desk: Watched) -> None:
    """What is wrong, what to do, and the figures of before, marked; as soon as it answers again all is as it was."""
    page = desk.show("/dashboard")
    equity = page.locator(".figures dd").first.inner_text()
    page.route(API, lambda route: route.abort())
    page.evaluate("() => { location.hash = '/signals'; }")
    gone = page.locator('.notice[data-kind="error"]')
    expect(gone).to_contain_text("The service does not answer")
    expect(gone).to_contain_text("ats serve")
    page.unroute(API)
    gone.get_by_role("button", name="Try again").click()
    page.wait_for_selector("tbody tr[tabindex]")
    page = desk.show("/dashboard")
    page.route(API, lambda route: route.abort())
    page.evaluate("async () => { const live = await import('/dashboard/js/live.js'); live.renewAll(); }")
    expect(page.locator('.notice[data-kind="stale"]').first).to_contain_text("Not renewed since")
    assert page.locator(".figures dd").first.inner_text() == equity


def test_a_stream_that_is_gone_is_said_and_pages_ask_instead(browser: Browser, address: str) -> None:
    with watched(browser, address) as watching:
        watching.page.route_web_socket(re.compile("/stream"), _hang_up)
        page = watching.show("/dashboard")
        expect(page.locator("#connection")).to_have_attribute("data-state", "polling")
        expect(page.locator("tbody tr").first).to_be_visible()


def _hang_up(socket: WebSocketRoute) -> None:
    socket.close(code=1012, reason="the service restarts")


def test_a_database_that_can_not_be_read_is_said(browser: Browser, own_deployment: Deployment) -> None:
    """The page keeps what it shows, and the header says that it is not current, as the stream tells it."""
    with served(own_deployment) as address, watched(browser, address) as watching:
        page = watching.show("/dashboard")
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        database = own_deployment.settings.storage.data / "trade_state.sqlite"
        database.rename(database.with_suffix(".away"))
        database.write_bytes(b"this is no database" * 100)
        expect(page.locator("#connection")).to_have_attribute("data-state", "stale")
        expect(page.locator("tbody tr").first).to_be_visible()


def test_what_does_not_exist_has_a_page_that_says_so(desk: Watched) -> None:
    page = desk.show("/symbol/NOPE")
    expect(page.locator(".notice").first).to_contain_text("NOPE")
    page.evaluate("() => { location.hash = '/nowhere'; }")
    expect(page.locator(".notice")).to_contain_text("There is no such page")
    page = desk.show("/signals?session=1999-01-04")
    expect(page.locator(".notice")).to_be_visible()
    assert page.locator(".panel-body:empty").count() == 0


def test_an_empty_deployment_says_how_to_fill_it(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "ats.toml").touch()
    storage = {"warehouse": tmp_path / "warehouse", "models": tmp_path / "models", "data": tmp_path / "data"}
    with served(deployment_in(tmp_path, storage=storage)) as address, watched(browser, address) as watching:
        for route in ("/dashboard", "/signals", f"/symbol/{SYMBOL}", "/portfolio", "/paper", "/analytics", "/data", "/models"):
            page = watching.show(route)
            assert page.locator(".panel-body:empty").count() == 0, route
            expect(page.locator(".notice").first).to_contain_text("ats ")
            assert not [error for error in watching.errors if "status of 404" not in error]  # the browser's own words on an answer 404


def test_a_session_that_ends_leads_to_the_login_and_back(browser: Browser, own_deployment: Deployment) -> None:
    """Nobody reads without a key once there is one; a key opens the page that was asked for; when it is revoked, the page says so."""
    store = KeyStore(own_deployment.settings.storage.data)
    key = store.add("desk", Role.READ)
    with served(own_deployment) as address, watched(browser, address) as watching:
        page = watching.page
        page.goto(f"{address}/#/portfolio")
        expect(page.locator(".notice")).to_contain_text("A key is needed")
        page.get_by_label("API key").fill("ats_000000000000_wrong")
        page.keyboard.press("Enter")
        expect(page.locator('.notice[data-kind="error"]')).to_contain_text("This key is not known")
        page.get_by_label("API key").fill(key)
        page.keyboard.press("Enter")
        page.wait_for_selector('.page[data-page="portfolio"]')
        watching.settled()
        expect(page.locator("#person")).to_contain_text("desk")
        assert key not in page.content()
        assert page.evaluate("() => [document.cookie, ...Object.values(localStorage), ...Object.values(sessionStorage)].join()") in {
            "",
            "light",
        }
        store.revoke("desk")
        page.keyboard.press("g")
        page.keyboard.press("s")
        expect(page.locator(".notice")).to_contain_text("your session has ended")
        assert watching.strangers == []


def _logged_in(watching: Watched, key: str, route: str) -> None:
    watching.page.goto(f"{watching.address}/#{route}")
    watching.page.get_by_label("API key").fill(key)
    watching.page.keyboard.press("Enter")
    name = route.strip("/").split("?")[0]
    watching.page.wait_for_selector(f'.page[data-page="{name}"]')
    watching.settled()


def test_an_order_is_asked_for_seen_and_confirmed(browser: Browser, own_deployment: Deployment) -> None:
    """What is refused says why; going back confirms nothing; a confirmation is one request, which the page lists; so is a cancel."""
    key = KeyStore(own_deployment.settings.storage.data).add("desk", Role.TRADE)
    settings = own_deployment.settings
    writing = Deployment(settings.model_copy(update={"serving": settings.serving.model_copy(update={"writes": True})}))
    with served(writing) as address, watched(browser, address) as watching:
        _logged_in(watching, key, f"/paper?symbol={SYMBOL}")
        page = watching.page
        page.reload()  # whoever is logged in still is, and may ask
        shares = page.get_by_label("Shares")
        shares.fill("1234567890123456789")  # more digits than the books have
        page.get_by_role("button", name="Review order").click()
        expect(page.locator('.told .notice[data-kind="error"]')).to_be_visible()
        for answer, told in (("Back", "Nothing was sent"), ("Buy on paper", "The order is asked for")):
            shares.fill("2.5")
            page.get_by_role("button", name="Review order").click()
            dialog = page.locator("dialog")
            expect(dialog).to_contain_text(f"Buy 2.5 {SYMBOL}?")
            dialog.get_by_role("button", name=answer).click()
            expect(page.locator(".told .notice")).to_contain_text(told)
        requests = page.locator('section:has(h2:text-is("Requests")) tbody tr')
        expect(requests.first).to_contain_text(f"buy 2.5 {SYMBOL}")
        expect(requests.first).to_contain_text("Confirmed")
        expect(requests.nth(1)).to_contain_text("Asked")
        page.get_by_role("button", name=re.compile("^Cancel main-")).first.click()
        expect(page.locator("dialog")).to_contain_text("Cancel this order?")
        page.locator("dialog").get_by_role("button", name="Cancel the order").click()
        expect(page.locator(".notice", has_text="Cancelling")).to_be_visible()
        expect(requests.first).to_contain_text("Cancel order")
        page.get_by_role("button", name="Halt trading").click()
        page.get_by_label("Reason").last.fill("prices look wrong")
        page.locator("dialog").get_by_role("button", name="Halt trading").click()
        expect(requests.first).to_contain_text("Halt")
        expect(requests.first).to_contain_text("prices look wrong")
        assert watching.unfit() == []
        assert watching.strangers == []


def test_who_may_only_read_is_told_how_to_trade(browser: Browser, own_deployment: Deployment) -> None:
    key = KeyStore(own_deployment.settings.storage.data).add("looks", Role.READ)
    with served(own_deployment) as address, watched(browser, address) as watching:
        _logged_in(watching, key, "/paper")
        expect(watching.page.locator('section:has(h2:text-is("New paper order")) .notice')).to_contain_text("serving.writes = true")
        expect(watching.page.get_by_role("button", name=re.compile("^Cancel "))).to_have_count(0)
