"""The module by which a page holds what is streamed, in Chromium: what is there, over a restart of the service, and nothing twice."""

from playwright.sync_api import Page

from ats_assets.deployment import Deployment
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import Role
from ats_assets_tests.serving.dashboard_browser import started_browser
from ats_assets_tests.serving.stream.conftest import serving
from ats_assets_tests.serving.stream.trading_day import TradingDay

_LISTENS = """async key => {
  const { Stream } = await import("/dashboard/stream.js");
  globalThis.told = [];
  globalThis.states = [];
  globalThis.stream = new Stream({ key, silence: 1500 });
  stream.onState(({ state }) => states.push(state));
  stream.subscribe("fills", ({ kind, set }) => told.push(...set.map((row) => `${kind} ${row.key}`)));
  stream.subscribe("fills", () => { throw new Error("a listener that fails"); });
}"""
_HOLDS = "keys => JSON.stringify([...stream.rows('fills').keys()]) === JSON.stringify(keys)"


def test_a_page_holds_what_is_there_over_a_restart(streamed: tuple[Deployment, TradingDay]) -> None:
    deployment, day = streamed
    day.baseline()
    order = day.order()
    fills = [day.fill(order)]
    with started_browser() as browser:
        page = browser.new_page(bypass_csp=True)
        with serving(deployment) as service:
            page.goto(f"http://127.0.0.1:{service.port}/health")
            page.evaluate(_LISTENS)
            page.wait_for_function(_HOLDS, arg=fills)
            fills.append(day.fill(order))
            page.wait_for_function(_HOLDS, arg=fills)
        page.wait_for_function("() => states.at(-1) === 'waiting'")
        fills.append(day.fill(order))
        with serving(deployment, service.port):
            page.wait_for_function(_HOLDS, arg=fills)
            page.wait_for_function("() => states.at(-1) === 'live'")
            told = [text.split()[1] for text in page.evaluate("told")]
            assert told == fills  # each once
            _stops_where_no_key_opens(page, deployment)


def _stops_where_no_key_opens(page: Page, deployment: Deployment) -> None:
    """The first key ends open reading; a page that asks without one is told so, and goes on after a login."""
    key = KeyStore(deployment.settings.storage.data).add("page", Role.READ)
    page.wait_for_function("() => states.at(-1) === 'refused'")
    page.evaluate("key => { stream.key = key; stream.reconnect(); }", key)
    page.wait_for_function("() => states.at(-1) === 'live'")
    page.evaluate("() => stream.close()")
    assert page.evaluate("states.at(-1)") == "idle"
