import json
import re
from datetime import timedelta
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from ats_assets.backtests import BacktestResult, backtest_metrics, run_backtest
from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.portfolio.schema import TARGETS_SCHEMA
from ats_assets.reports.backtest_report import backtest_report
from ats_assets.settings import BacktestSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import MONDAY, random_market, signals_of

SETTINGS = BacktestSettings()


def a_result(seed: int = 4, n: int = 60) -> BacktestResult:
    bars, signals, days = random_market(seed, n, 8, shorts=True)
    return run_backtest(signals, bars, days, portfolio=PortfolioSettings(), settings=SETTINGS)


def some_skill(n: int = 90) -> pl.DataFrame:
    random = np.random.default_rng(1)
    rows = []
    for i in range(n):
        for h in (1, 5):
            ic = float(random.normal(0.05, 0.1)) if i else None
            day = MONDAY + timedelta(days=i)
            rows.append((day + timedelta(days=h + 1), day, h, MONDAY - timedelta(days=1), 50, ic, ic, [-0.01, None, 0.0, 0.001, 0.01], 0.2))
    return pl.DataFrame(rows, schema=SKILL_SCHEMA, orient="row")


def newest_targets() -> pl.DataFrame:
    weights = {"A&B": 0.5, "<C>": 0.5, "D": 0.0}
    rows = [(symbol, MONDAY, weight, weight, ["one"], ["mine: a reason"] if symbol == "D" else []) for symbol, weight in weights.items()]
    return pl.DataFrame(rows, schema=TARGETS_SCHEMA, orient="row")


def a_report(result: BacktestResult, **more: object) -> str:
    return backtest_report(result, backtest_metrics(result, SETTINGS), **more)  # pyright: ignore[reportArgumentType]


def without_plotly(html: str) -> str:
    return "".join(part for part in re.split(r"(<script>.*?</script>)", html, flags=re.DOTALL) if len(part) < 1_000_000)


class Elements(HTMLParser):
    """Every start tag, and whether tags are closed in the order in which they were opened."""

    VOID = frozenset({"meta", "link", "br", "hr", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_same_input_gives_the_same_bytes() -> None:
    given = {"skill": some_skill(), "targets": newest_targets(), "lineage": {"Data": {"bars": "sha256:1"}}}
    assert a_report(a_result(), **given) == a_report(a_result(), **given)


def test_the_page_is_well_formed_and_needs_nothing_from_outside() -> None:
    html = a_report(a_result(), skill=some_skill(), targets=newest_targets())
    page = Elements()
    page.feed(html)
    assert page.open == []
    assert sum(tag == "script" for tag, _ in page.seen) == 2
    links = [
        value for _, attributes in page.seen for key, value in attributes.items() if key in {"src", "href", "action", "data", "poster"}
    ]
    assert links == ["data:,"]
    assert "url(" not in without_plotly(html)
    assert "@import" not in without_plotly(html)


def test_each_chart_has_its_place_and_valid_data() -> None:
    html = a_report(a_result(), skill=some_skill(), horizon_sessions=5)
    figures = json.loads(re.search(r"const figures = (.*);\n", html).group(1))  # pyright: ignore[reportOptionalMemberAccess]
    assert set(figures) == {"equity", "exposure", "costs", "ic", "quantiles"} == set(re.findall(r'id="chart-(\w+)"', html))
    equity = figures["equity"]["data"][0]
    np.testing.assert_allclose(equity["y"], a_result().equity["equity"].to_list(), rtol=1e-5)
    bars = figures["quantiles"]["data"][0]["y"]
    assert bars[0] == pytest.approx(-100 - 2.5)  # -1% less the mean of -1%, 0, 0.1% and 1%, in basis points
    assert bars[1] is None


def test_figures_verdict_targets_and_versions_are_on_the_page() -> None:
    result = a_result()
    html = without_plotly(
        a_report(
            result,
            title="A trial",
            skill=some_skill(),
            horizon_sessions=5,
            targets=newest_targets(),
            next_session=MONDAY + timedelta(days=1),
            lineage={"Data": {"bars": "sha256:abc"}},
        )
    )
    metrics = backtest_metrics(result, SETTINGS)
    assert f"{metrics.final_equity:,.0f}" in html
    assert "<h1>A trial</h1>" in html
    assert "at a horizon of 5 sessions" in html
    assert "to be traded at the open of 2020-01-07: 2 of 3 symbols have a weight" in html
    assert "sha256:abc" in html


def test_names_from_data_are_escaped() -> None:
    html = without_plotly(a_report(a_result(), title="</title><script>", targets=newest_targets(), benchmark="</script>"))
    assert "A&amp;B" in html
    assert "&lt;C&gt;" in html
    assert "</title><script>" not in html
    assert html.count("</script>") == 1


@pytest.mark.parametrize("n", [1, 2])
def test_hardly_any_history_still_makes_a_page(n: int) -> None:
    bars, _, days = random_market(1, n, 3, shorts=False)
    result = run_backtest(signals_of([("S0", days[0], 0.5)]), bars, days, portfolio=PortfolioSettings(), settings=SETTINGS)
    assert "Skill was not judged" in a_report(result)


def test_no_targets_make_a_page_that_says_so() -> None:
    bars, _, days = random_market(1, 3, 3, shorts=False)
    result = run_backtest(signals_of([]), bars, days, portfolio=PortfolioSettings(), settings=SETTINGS)
    html = a_report(result, skill=pl.DataFrame(schema=SKILL_SCHEMA))
    assert "No targets, so nothing was traded." in html
    assert "No edge: no predictions have outcomes yet." in html
    assert "nan" not in without_plotly(html)
