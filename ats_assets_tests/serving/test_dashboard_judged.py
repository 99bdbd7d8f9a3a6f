"""Analytics, Data, Models and Settings in a real browser, with everything stored that they show."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ats_assets_tests.serving.dashboard_browser import Watched, served, started_browser, watched
from ats_assets_tests.serving.judged_deployment import judged

PAGES = ("/analytics", "/data", "/models", "/settings")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def judged_home(traded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copytree(traded_home, tmp_path_factory.mktemp("judged") / "home")


@pytest.fixture(scope="module")
def judged_address(browser: Browser, judged_home: Path) -> Iterator[str]:
    with served(judged(judged_home)) as address:
        yield address


@pytest.fixture
def desk(browser: Browser, judged_address: str) -> Iterator[Watched]:
    with watched(browser, judged_address) as watching:
        yield watching


def part(page: Page, title: str) -> Locator:
    return page.locator(f'section:has(h2:text-is("{title}"))')


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_each_page_is_whole_with_everything_stored(browser: Browser, judged_address: str, theme: str, width: int) -> None:
    with watched(browser, judged_address, theme=theme, width=width) as watching:
        for route in PAGES:
            page = watching.show(route)
            assert page.locator('.notice[data-kind="error"]').all_inner_texts() == [], route
            assert not [text for text in page.locator(".notice").all_inner_texts() if "not stored" in text], route
            assert watching.wider() <= 0, (route, width)
            assert watching.unfit() == [], route
        assert watching.errors == []
        assert watching.strangers == []


def test_analytics_shows_what_the_service_tells(desk: Watched) -> None:
    page = desk.show("/analytics")
    backtest = page.request.get(f"{desk.address}/api/v1/backtests").json()["data"][0]
    expect(part(page, "Backtests side by side").locator("tbody tr").first).to_contain_text(f"{backtest['sharpe']:.2f}")
    expect(part(page, "Point in time against restated")).to_contain_text("+5.00%")
    expect(part(page, "Monte Carlo").get_by_role("img")).to_be_visible()
    expect(part(page, "Monte Carlo")).to_contain_text("25.0%")
    expect(part(page, "Performance by strategy and model")).to_contain_text("Momentum")
    page.get_by_role("button", name="With the account").click()
    expect(part(page, "Backtests side by side").locator(".legend").first).to_contain_text("account, as traded")
    with page.context.expect_page() as opened:
        part(page, "Reports").get_by_role("link", name="Backtest").click()
    opened.value.wait_for_load_state()
    assert opened.value.url.endswith("/api/v1/reports/backtest")


def test_charts_fill_their_width(desk: Watched) -> None:
    """The first session stands at the left edge: a chart that was fitted before it had its width kept a third of it empty."""
    page = desk.show("/analytics")
    figure = part(page, "Backtests side by side").locator("figure").first
    box = figure.locator(".canvas").bounding_box()
    assert box
    page.wait_for_timeout(200)
    page.mouse.move(box["x"] + 6, box["y"] + 60)
    first = page.request.get(f"{desk.address}/api/v1/backtests").json()["data"][0]["first"]
    expect(figure.locator(".when")).to_have_text(first)


def test_a_model_is_opened_by_keyboard(desk: Watched) -> None:
    page = desk.show("/models")
    row = part(page, "Models").locator('tbody tr[tabindex="0"]')
    row.focus()
    page.keyboard.press("Enter")
    expect(part(page, "In force")).to_contain_text("Library versions")
    expect(part(page, "Drift").locator("tbody tr").first).to_contain_text("Warning")
    expect(part(page, "Importance over time")).to_contain_text("ROC5")


def test_settings_show_what_is_changed_first_and_any_by_its_name(desk: Watched, judged_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_SETTINGS", str(judged_home / "ats.toml"))
    page = desk.show("/settings")
    panel = part(page, "In force")
    expect(panel).to_contain_text("training.refit")
    expect(panel).not_to_contain_text("alerts.enabled")
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_label("Filter: Current settings").fill("max_page_rows")
    expect(panel.locator("tbody tr")).to_have_count(1)
    expect(panel.locator("tbody tr")).to_contain_text("serving.max_page_rows")
    assert page.locator("main form, main textarea").count() == 0
