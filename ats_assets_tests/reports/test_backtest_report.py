import json
import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.backtests import BacktestResult, backtest_metrics, run_backtest
from ats_assets.backtests.cost_sensitivity import cost_sensitivity
from ats_assets.backtests.metrics import session_returns, wanted_and_held
from ats_assets.books.account_books import account_books
from ats_assets.books.account_history import history_of_backtest
from ats_assets.books.attribution import Explained, attribution
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.evaluation.trial_selection import Selection, selection
from ats_assets.portfolio.schema import TARGETS_SCHEMA
from ats_assets.predictions.schema import CHAMPION_SCHEMA, ENSEMBLE_WEIGHTS_SCHEMA, MODEL_SKILL_SCHEMA
from ats_assets.regimes.market_observations import daily_moves
from ats_assets.reports.backtest_report import backtest_content, backtest_report
from ats_assets.reports.json_form import report_json
from ats_assets.reports.report_section import ReportInputs, sections
from ats_assets.reports.sections.calibrated_probabilities import judged_probabilities
from ats_assets.risk_analysis.risk_tables import RiskInputs, risk_tables
from ats_assets.settings import BacktestSettings, MonteCarloSettings, PortfolioSettings
from ats_assets.storage.model_record import DecisionWindow, ModelRecord, TaughtLabel, Validation
from ats_assets.trials import RecordedTrial, Trial, trial_series
from ats_assets.tuning.schema import PERIODS_SCHEMA, WORTH_SCHEMA
from ats_assets.validation.schema import HORIZONS_SCHEMA, IMPORTANCE_SCHEMA, PATHS_SCHEMA, SPLITS_SCHEMA, VERDICTS_SCHEMA
from ats_assets_tests.backtests.small_markets import MONDAY, random_market, signals_of
from ats_assets_tests.books.books_market import CAPITAL, random_books

SETTINGS, PORTFOLIO = BacktestSettings(), PortfolioSettings()
N = 300
BARS, SIGNALS, DAYS = random_market(4, N, 8, shorts=True)
CHARTS = {
    *("equity", "drawdown", "histogram", "sharpe", "sortino", "volatility", "beta", "holding", "costs", "exposure", "wanted"),
    *("ic", "quantiles", "quantile-curves", "segments", "matched", "reliability", "validation-lightgbm_model", "rows"),
    *("coverage", "confidence", "ensemble-weights", "champions"),
    *("strategy-profit", "attribution-strategy", "attribution-factor"),
    *("regimes-regimes", "rolling-value-at-risk", "monte-carlo", "drawdown-quantiles"),
}


def run(settings: BacktestSettings, _multiple: float = 1.0) -> BacktestResult:
    return run_backtest(SIGNALS, BARS, DAYS, portfolio=PORTFOLIO, settings=settings)


@cache
def traded() -> BacktestResult:
    """As all that is made here: once, by the first test that reads it, and only in the process that does."""
    return run(SETTINGS)


@cache
def costs() -> pl.DataFrame:
    return cost_sensitivity(traded(), SETTINGS, run, SETTINGS.cost_multiples)


@cache
def wanted() -> pl.DataFrame:
    return wanted_and_held(SIGNALS, traded().positions, PORTFOLIO)


def some_skill(n: int = 90) -> pl.DataFrame:
    random = np.random.default_rng(1)
    rows = []
    for i in range(n):
        ic = float(random.normal(0.05, 0.1)) if i else None
        day, fitted = MONDAY + timedelta(days=i), MONDAY - timedelta(days=1)
        rows += [(day + timedelta(days=h + 1), day, h, fitted, 50, ic, ic, [-0.01, None, 0.0, 0.001, 0.01], 0.2) for h in (1, 5)]
    return pl.DataFrame(rows, schema=SKILL_SCHEMA, orient="row")


def newest_targets() -> pl.DataFrame:
    weights = {"A&B": 0.5, "<C>": 0.5, "D": 0.0}
    rows = [(symbol, MONDAY, weight, weight, ["one"], ["mine: a reason"] if symbol == "D" else []) for symbol, weight in weights.items()]
    return pl.DataFrame(rows, schema=TARGETS_SCHEMA, orient="row")


def a_fit(day: date, ic: float) -> ModelRecord:
    window = DecisionWindow(first_decision=day - timedelta(days=90), last_decision=day - timedelta(days=30), sessions=60, rows=2_400)
    return ModelRecord(
        name="lightgbm_model",
        session=day,
        status="fitted",
        fitted_session=day,
        learner="lightgbm",
        file="model.txt",
        features=("KLOW", "<ROC>"),
        label=TaughtLabel(horizon_sessions=5, kind="rank"),
        training=window,
        validation_window=window,
        validation=Validation(rank_ic=ic, by_session={day: ic}),
        best_iteration=17,
        importance={"KLOW": 3.0, "<ROC>": 1.0},
        model_sha256="0" * 64,
    )


def some_regimes() -> pl.DataFrame:
    """Of the market, the same for each symbol: two states that follow each other every twenty sessions."""
    calm = pl.Series([0.9 if i // 20 % 2 == 0 else 0.2 for i in range(N)])
    of_market = pl.DataFrame({"session": DAYS, "market_p0": calm, "market_p1": 1.0 - calm}).with_columns(
        market_entropy=pl.lit(0.5), market_state=(calm < 0.5).cast(pl.Float64), market_sessions_in_state=pl.lit(1.0)
    )
    return BARS.select("symbol", "session").join(of_market, on="session")


@cache
def some_risk() -> dict[str, pl.DataFrame]:
    bars = BARS.with_columns(high=pl.max_horizontal("open", "close"), low=pl.min_horizontal("open", "close"))
    moves = daily_moves(bars, CORPORATE_ACTIONS_SCHEMA.to_frame(), DAYS, "none")
    tables = risk_tables(RiskInputs(result=traded(), moves=moves), MonteCarloSettings(paths=100), SETTINGS)
    at_risk = pl.col("volatility") * -1.6  # this history is too short for forecasts of its own
    return tables | {"rolling_tail": tables["rolling_tail"].with_columns(value_at_risk=at_risk)}


@cache
def some_books() -> dict[str, pl.DataFrame]:
    """Of an account of its own, with three strategies."""
    result, inputs, days = random_books(8, 40, 6, CAPITAL)
    books = account_books(history_of_backtest(result), inputs, days)
    explained = Explained(models={}, holding_sessions=1, equity=result.equity.select("session", "equity"), factors={})
    return {"equity": books.equity, "attribution": attribution(books.profit, [*CAPITAL], explained)}


@cache
def some_probabilities(n: int = 60, symbols: int = 40) -> dict[str, pl.DataFrame]:
    """Signals whose symbols beat the median as often as was said, and what became of them."""
    random = np.random.default_rng(5)
    days = [MONDAY + timedelta(days=i) for i in range(n)]
    names = [f"S{i:02d}" for i in range(symbols)]
    keys = pl.DataFrame({"symbol": names * n, "session": [day for day in days for _ in names]})
    said = np.tile(np.linspace(0.3, 0.7, symbols), n)
    won = random.random(n * symbols) < said
    returns = pl.Series("forward_return", np.where(won, 1.0, -1.0) * random.random(n * symbols))
    known = pl.col("session") + pl.duration(days=6)
    outcomes = keys.select("symbol", session=known, decision_session="session").with_columns(returns, horizon_sessions=pl.lit(5, pl.Int32))
    other = outcomes.with_columns(forward_return=-pl.col("forward_return"), horizon_sessions=pl.lit(1, pl.Int32))
    return {"signals": keys.with_columns(probability=pl.Series(said)), "forward_returns": pl.concat([outcomes, other])}


def some_intervals() -> dict[str, pl.DataFrame]:
    """Of the same symbols: as wide as holds nine tenths of what became of them, and sure of the sign as often as was said."""
    signals = some_probabilities()["signals"]
    up = pl.col("probability") >= 0.5
    made = signals.select(
        "symbol", "session", expected_return=pl.when(up).then(0.01).otherwise(-0.01), lower=pl.lit(-0.9), upper=pl.lit(0.9)
    )
    sure = signals.select(pl.when(up).then("probability").otherwise(1.0 - pl.col("probability"))).to_series()
    told = {"level": 0.9, "adapted_level": 0.91, "width": 1.8}
    return {"prediction_intervals": made.with_columns(**{name: pl.lit(value) for name, value in told.items()}, confidence=sure)}


def some_ensemble() -> dict[str, pl.DataFrame]:
    """Two models of the same symbols: one that says what was said, and its noise; and weights that move."""
    keys = some_probabilities()["signals"]
    noise = pl.Series(np.random.default_rng(6).normal(0.0, 0.2, keys.height))
    scores = {"lightgbm": pl.col("probability"), "<forest>": pl.col("probability") + noise, "ensemble": pl.col("probability") + noise / 2}
    fitted = pl.lit(MONDAY - timedelta(days=1))
    rows = [
        (day, name, w, 40, 0.1, 0.02, "rank IC <0.1>")
        for i, day in enumerate(DAYS)
        for name, w in (("lightgbm", 0.5 + i / 999), ("<forest>", 0.5 - i / 999))
    ]
    predictions = {f"{name}_predictions": keys.select("symbol", "session", score=of, model_session=fitted) for name, of in scores.items()}
    return predictions | {"ensemble_weights": pl.DataFrame(rows, schema=ENSEMBLE_WEIGHTS_SCHEMA, orient="row")}


def some_horizons() -> dict[str, pl.DataFrame]:
    known = [(h, h == 5, h != 5, 90, 0.02, 1.5, *((None,) * 3 if h == 5 else (0.01, 0.01, 2.5))) for h in (1, 5, 20)]
    told = pl.DataFrame([("lightgbm", True, "holds: <over> 1 sessions")], schema=VERDICTS_SCHEMA, orient="row")
    return {"horizons": pl.DataFrame([("lightgbm", *row) for row in known], schema=HORIZONS_SCHEMA, orient="row"), "verdicts": told}


def some_importance() -> dict[str, pl.DataFrame]:
    rows = [("lightgbm", way, name, [name], 0.01, 0.002, 5) for way in ("features", "clusters") for name in ("KLOW", "<ROC>")]
    return {"importance": pl.DataFrame(rows, schema=IMPORTANCE_SCHEMA, orient="row")}


def some_worth() -> dict[str, pl.DataFrame]:
    periods = [
        ("lightgbm", day, promised, "", reason) for day, promised, reason in ((DAYS[0], 0.02, None), (DAYS[60], None, "nothing is <left>"))
    ]
    rows = [("lightgbm", DAYS[0], day, 0.02 + 0.01 * (day.day % 3), 0.02) for day in DAYS[1:40]]
    return {
        "sessions": pl.DataFrame(rows, schema=WORTH_SCHEMA, orient="row"),
        "periods": pl.DataFrame(periods, schema=PERIODS_SCHEMA, orient="row"),
    }


def some_champions() -> pl.DataFrame:
    """Of two models, the second of which takes the title at the third session."""
    rows = [
        (day, model, 40 + place, ic, (model == "b<") == (place >= 2), "promoted: +0.0300" if place >= 2 else "the first of the settings")
        for place, day in enumerate(DAYS[:4])
        for model, ic in (("lightgbm", 0.01), ("b<", 0.04))
    ]
    return pl.DataFrame(rows, schema=CHAMPION_SCHEMA, orient="row")


def all_inputs(**more: Any) -> ReportInputs:
    rejected = pl.DataFrame({"session": [DAYS[3]], "reasons": [["low_missing", "duplicate"]]})
    given: dict[str, Any] = {
        "result": traded(),
        "metrics": backtest_metrics(traded(), SETTINGS, costs=costs(), wanted=wanted()),
        "costs": costs(),
        "wanted": wanted(),
        "horizon_sessions": 5,
        "sessions": DAYS,
        "rows": {
            **some_probabilities(),
            **some_intervals(),
            **some_ensemble(),
            "champion": some_champions(),
            "skill": some_skill(),
            "targets": newest_targets(),
            "bars": BARS.select("symbol", "session", high=pl.max_horizontal("open", "close"), low=pl.min_horizontal("open", "close")),
            "rejected_bars": rejected,
        }
        | {"regimes": some_regimes()},
        "tables": {
            "monte_carlo": some_risk(),
            "strategy_books": some_books(),
            "cross_validation": some_validation(),
            "importance": some_importance(),
            "timeframe_validation": some_horizons(),
            "tuning_worth": some_worth(),
        },
        "fits": {"lightgbm_model": [a_fit(DAYS[20], 0.05), a_fit(DAYS[50], -0.01)]},
        "shown_settings": {"backtest": {"initial_cash": 1e6, "benchmark": None, "margin": {"initial_share": 0.5}}},
        "provenance": {"Data versions": {"bars": "sha256:abc"}},
        "selection": some_selection(),
    }
    return ReportInputs(**given | more)


def some_validation() -> dict[str, pl.DataFrame]:
    rows = [("lightgbm", "purged", n, f"{n} {n + 1}", 900, 300, 40, 10, 60, 0.02, None) for n in range(2)]
    rows += [
        ("lightgbm", "purged", 2, "2 3", 0, 300, 900, 0, 0, None, "nothing is <left>"),
        ("lightgbm", "shuffled", 0, "0", 900, 300, 0, 0, 60, 0.3, None),
    ]
    paths = [
        ("lightgbm", way, 0, day, 0.3 if way == "shuffled" else 0.01 + 0.01 * (day.day % 3))
        for way in ("purged", "shuffled")
        for day in DAYS[:80]
    ]
    return {
        "splits": pl.DataFrame(rows, schema=SPLITS_SCHEMA, orient="row"),
        "paths": pl.DataFrame(paths, schema=PATHS_SCHEMA, orient="row"),
    }


@cache
def some_selection() -> Selection:
    """Of the backtest beside three that wanted something else."""
    values, days = session_returns(traded().equity["equity"].to_numpy()), traded().equity["session"].to_list()[1:]
    random = np.random.default_rng(0)
    trials = []
    for number, series in enumerate([values, *(random.permutation(values) for _ in range(3))]):
        trial = Trial(kind="backtest", name="backtest", tried=str(number), measure="return")
        trials.append(
            RecordedTrial(trial=trial, begun=datetime(2024, 1, 1, tzinfo=UTC), series=trial_series(days, series.tolist(), days[-1]))
        )
    return selection(trials, days, values, sessions_per_year=252)


@cache
def whole_page() -> str:
    return backtest_report(all_inputs())


class Elements(HTMLParser):
    """Every start tag, and whether tags are closed in the order in which they were opened."""

    VOID = frozenset({"meta", "link", "br", "hr", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def section(page: str, name: str) -> str:
    return page.split(f'<section id="{name}"')[1].split("</section>", maxsplit=1)[0]


def test_the_same_input_gives_the_same_bytes() -> None:
    assert backtest_report(all_inputs()) == whole_page()


def test_the_page_is_well_formed_needs_nothing_from_outside_and_is_small() -> None:
    """It held five megabytes of Plotly."""
    page = Elements(whole_page())
    assert page.open == []
    links = [
        value for _, attributes in page.seen for key, value in attributes.items() if key in {"src", "href", "action", "data", "poster"}
    ]
    assert [link for link in links if not (link or "").startswith("#")] == ["data:,"]
    for word in ("url(", "@import", "http:", "https:", "fetch(", "XMLHttp", "eval(", "localStorage"):
        assert word not in whole_page(), word
    assert len(whole_page()) < 500_000


def test_each_section_can_be_reached_and_each_chart_is_named() -> None:
    page = Elements(whole_page())
    ids = [str(attributes["id"]) for _, attributes in page.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    anchors = [str(a["href"])[1:] for a in page.all("a")]
    elsewhere = {"traded_options", "market_impact_costs", "model_drift", "active_return"}  # which have tests of their own
    shown = [name for name in sections() if name not in elsewhere]
    assert anchors[1:] == shown == [s["id"] for s in page.all("section")]
    assert {str(f["id"]).removeprefix("chart-") for f in page.all("figure")} == CHARTS
    pictures = [svg for svg in page.all("svg") if svg.get("role") == "img"]
    assert len(pictures) == len(CHARTS)
    for svg in pictures:
        assert set(str(svg["aria-labelledby"]).split()) <= set(ids)
    assert all(th.get("scope") in {"col", "row"} for th in page.all("th"))
    assert page.all("html") == [{"lang": "en"}]


def test_champions_are_told_with_each_change_and_its_reason() -> None:
    told = section(whole_page(), "champion_history")
    assert "1 change of champion" in told
    assert not re.search(r'class="tick y"[^>]*>1<', told), "the strip of the champions has no axis from 0 to 1"
    changes = told.split("Changes</h3>")[1]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", changes)
    assert cells == [f"{DAYS[2]}", "lightgbm", "b&lt;", "promoted: +0.0300", f"{DAYS[0]}", "–", "lightgbm", "the first of the settings"]
    judged = [(day, DAYS[0], model, 30, 0.02 if model == "lightgbm" else -0.5) for day in DAYS[:4] for model in ("lightgbm", "b<")]
    skill = pl.DataFrame(judged, schema=MODEL_SKILL_SCHEMA, orient="row")
    assert "mean rank IC of 63 sessions" in section(
        backtest_report(all_inputs(rows=all_inputs().rows | {"model_skill": skill})), "champion_history"
    )


def test_the_history_of_champions_begins_where_predictions_begin() -> None:
    rows = all_inputs().rows | {"skill": some_skill().filter(pl.col("decision_session") > DAYS[0])}
    told = section(backtest_report(all_inputs(rows=rows)), "champion_history")
    assert f"{DAYS[1]}" in told.split("Changes</h3>")[1]
    assert f"{DAYS[0]}" not in told.split("Changes</h3>")[1]


def test_light_dark_and_print_have_their_colours_and_the_scale_its_switch() -> None:
    assert "@media (prefers-color-scheme: dark)" in whole_page()
    assert ':root[data-theme="dark"]' in whole_page()
    assert "@media print" in whole_page()
    assert whole_page().count('<button type="button" class="scale"') == 1
    assert re.search(r'<g class="log">.*<path', section(whole_page(), "return_history"), re.DOTALL)


def test_charts_carry_the_values_that_they_show() -> None:
    found = re.search(r'<figure id="chart-equity">.*?<script type="application/json">(.*?)</script>', whole_page(), re.DOTALL)
    assert found
    read = json.loads(found.group(1))
    assert [name for name, _, _ in read["series"]] == ["account", "account before costs", "equally weighted universe"]
    np.testing.assert_allclose(read["series"][0][2], traded().equity["equity"], rtol=1e-5)
    np.testing.assert_allclose(read["series"][1][2], costs().filter(cost_multiple=0.0)["equity"], rtol=1e-5)
    days = list(accumulate(read["gaps"], lambda day, gap: day + timedelta(days=gap), initial=date.fromisoformat(read["first"])))
    assert days == traded().equity["session"].to_list()


def test_figures_verdict_targets_settings_and_versions_are_on_the_page() -> None:
    metrics = all_inputs().metrics
    assert f"{metrics.final_equity:,.0f}" in section(whole_page(), "all_figures")
    assert "at a horizon of 5 sessions" in section(whole_page(), "overview")
    assert f"binds in {metrics.turnover_limit_share:.0%} of sessions" in section(whole_page(), "overview")
    assert "to be traded at the next open: 2 of 3 symbols have a weight" in section(whole_page(), "next_targets")
    settings = section(whole_page(), "settings_and_versions")
    for text in ("1,000,000", "not set", "margin.initial_share", "sha256:abc"):
        assert text in settings, text


def test_the_number_of_trials_is_told_with_what_it_leaves_of_the_ratio() -> None:
    shown, found = section(whole_page(), "number_of_trials"), some_selection()
    assert "4 trials are in the ledger (all backtests); each counts as a bet of its own." in shown
    assert found.overfitting is not None
    assert found.deflated is not None
    for value in (f"{found.deflated:.1%}", f"{found.overfitting.probability:.1%}", f"{found.best_of_chance:.2f}"):
        assert f">{value}<" in shown
    assert 'class="callout' not in shown
    warned = section(backtest_report(all_inputs(ledger_fault="line 3 is damaged")), "number_of_trials")
    assert "The number of trials can&#39;t be trusted." in warned
    assert "line 3 is damaged" in warned


def test_the_cross_validation_is_told_with_what_shuffling_adds() -> None:
    shown = section(whole_page(), "validated_models")
    assert "2 of 3" in shown
    assert "Shuffled K-fold says +0.3000" in shown
    assert "nothing is &lt;left&gt;" in shown
    assert '<section id="validated_models"' not in backtest_report(all_inputs(tables={}))


def test_the_model_and_the_data_have_sections() -> None:
    model, data = section(whole_page(), "model_fits"), section(whole_page(), "data_quality")
    assert "2 fits of a lightgbm model" in model
    assert "importance ranks" in model
    assert "&lt;ROC&gt;</td>" in model
    assert "75.0%" in model
    assert "−0.0100" in model
    assert "low_missing" in data
    assert "Every session was delivered once" in data
    several = backtest_report(all_inputs(knowledge=("3 deliveries <differ>.", [("Sharpe ratio", "1.00", "1.20")])))
    assert "3 deliveries &lt;differ&gt;." in section(several, "data_quality")
    assert "1.20" in section(several, "data_quality")


def test_costs_are_taken_apart_and_their_parts_add_up() -> None:
    equity = traded().equity
    shown = section(whole_page(), "cost_analysis")
    for column in ("commission", "spread_cost", "slippage_cost", "financing_cost", "costs"):
        assert f">{equity[column].sum():,.0f}</td>" in shown, column
    assert f">{equity['commission'].sum() / equity['traded'].sum() * 1e4:.2f}</td>" in shown


def test_the_benchmark_is_shown_at_the_volatility_of_the_account() -> None:
    found = re.search(r'<figure id="chart-matched">.*?<script type="application/json">(.*?)</script>', whole_page(), re.DOTALL)
    assert found
    own, other = (1.0 + np.array(values) / 100.0 for _, _, values in json.loads(found.group(1))["series"])
    returns, its = own[1:] / own[:-1] - 1.0, other[1:] / other[:-1] - 1.0
    assert its.std() == pytest.approx(returns.std(), rel=1e-4)
    np.testing.assert_allclose(own[-1], traded().equity["equity"][-1] / traded().equity["equity"][0], rtol=1e-5)


def test_long_and_short_are_drawn_where_there_are_shorts() -> None:
    found = re.search(r'<figure id="chart-exposure">.*?<script type="application/json">(.*?)</script>', whole_page(), re.DOTALL)
    assert found
    series = {name: np.array(values, dtype=float) for name, _, values in json.loads(found.group(1))["series"]}
    np.testing.assert_allclose(series["long"] - series["short"], series["gross"], atol=1e-3)
    np.testing.assert_allclose(series["long"] + series["short"], series["net"], atol=1e-3)


def test_probabilities_are_judged_by_what_was_found() -> None:
    """Of the horizon that they are about; those that are said as often as they come true are found so."""
    judged = judged_probabilities(all_inputs())
    assert judged.height == 60 * 40
    read = next(
        block
        for block in json.loads(report_json(backtest_content(all_inputs())))["sections"]
        if block["name"] == "calibrated_probabilities"
    )
    (table,) = [block for block in read["blocks"] if block["kind"] == "table"]
    said, found = (np.array([row[i] for row in table["values"]]) for i in (0, 1))
    assert len(said) == 10
    assert np.abs(said - found).max() < 0.11
    assert np.corrcoef(said, found)[0, 1] > 0.9
    assert '<section id="calibrated_probabilities"' not in backtest_report(all_inputs(rows={"skill": some_skill()}))


def test_intervals_are_judged_by_what_they_held() -> None:
    shown = section(whole_page(), "interval_coverage")
    found = re.search(r"(\d+\.\d)% of the returns of 60 sessions were inside, the level is 90%", shown)
    assert found
    assert float(found.group(1)) == pytest.approx(90.0, abs=2.0)
    assert '<section id="interval_coverage"' not in backtest_report(all_inputs(rows={"skill": some_skill()}))


def test_another_engine_is_named_and_nothing_is_said_of_it_that_holds_for_orders() -> None:
    wanted = wanted_and_held(SIGNALS, traded().positions, PORTFOLIO, kept=False)
    settings = BacktestSettings(engine="weights")
    metrics = backtest_metrics(traded(), settings, costs=costs(), wanted=wanted)
    page = backtest_report(all_inputs(settings=settings, wanted=wanted, metrics=metrics))
    assert "targets traded by the engine weights, after costs" in page
    assert "same code as live orders" not in page
    assert "binds in" not in page
    assert "keeps no turnover limit" in section(page, "held_positions")


def test_names_from_data_are_escaped() -> None:
    page = backtest_report(all_inputs(title="</title><script>", benchmark="</script>"))
    assert "A&amp;B" in page
    assert "&lt;C&gt;" in page
    assert "</title><script>" not in page
    assert page.count("</script>") == whole_page().count("</script>")
    assert Elements(page).open == []


@pytest.mark.parametrize("n", [1, 2, 40])
def test_hardly_any_history_still_makes_a_page(n: int) -> None:
    bars, _, days = random_market(1, n, 3, shorts=False)
    result = run_backtest(signals_of([("S0", days[0], 0.5)]), bars, days, portfolio=PORTFOLIO, settings=SETTINGS)
    page = backtest_report(ReportInputs(result=result, metrics=backtest_metrics(result, SETTINGS), sessions=days))
    assert "Skill was not judged" in page
    assert "fewer than the 126 of the shortest window" in page
    assert '<section id="model_fits"' not in page, "a section with nothing to say is left out"


def test_no_targets_make_a_page_that_says_so() -> None:
    bars, _, days = random_market(1, 3, 3, shorts=False)
    result = run_backtest(signals_of([]), bars, days, portfolio=PORTFOLIO, settings=SETTINGS)
    page = backtest_report(ReportInputs(result=result, metrics=backtest_metrics(result, SETTINGS), rows={"skill": SKILL_SCHEMA.to_frame()}))
    assert "No targets, so nothing was traded" in page
    found = re.findall(r'<section id="(\w+)"', page)
    assert found == ["overview", "score_skill", "next_targets", "settings_and_versions"], (
        "eight sections of empty charts and dashes were written"
    )
    assert "No edge: no predictions have outcomes yet." in page
    assert not re.search(r"\bnan\b", page.split("<main>")[1].split("<script>\n")[0], re.IGNORECASE)


def test_books_that_never_held_anything_make_a_section() -> None:
    """Risk rules that leave nothing (`evidence` without an edge) left no rows by symbol, and the whole report failed."""
    books = some_books()
    nothing = (
        books["attribution"].filter(~pl.col("dimension").is_in(["model", "symbol"])).with_columns(pl.col("pnl", "costs", "profit") * 0.0)
    )
    told = section(
        backtest_report(all_inputs(tables={"strategy_books": {"equity": books["equity"], "attribution": nothing}})), "strategy_books"
    )
    assert "Strategies and attribution" in told
    assert told.count(">none<") == 3, "the tables of models and symbols have rows that nobody made"


def test_bars_are_shown_where_nothing_was_traded() -> None:
    """The chart of the data section had no day, since a backtest without targets has none."""
    bars, _, days = random_market(1, 3, 3, shorts=False)
    result = run_backtest(signals_of([]), bars, days, portfolio=PORTFOLIO, settings=SETTINGS)
    metrics = backtest_metrics(result, SETTINGS)
    shown = section(backtest_report(ReportInputs(result=result, metrics=metrics, rows={"bars": bars})), "data_quality")
    assert f"in 3 sessions, {days[0]} to {days[-1]}, were accepted" in shown
    found = re.search(r'<figure id="chart-rows">.*?<script type="application/json">(.*?)</script>', shown, re.DOTALL)
    assert found
    accepted = json.loads(found.group(1))["series"][0][2]
    assert accepted == bars.group_by("session").len().sort("session")["len"].to_list()


def test_the_importance_of_a_fit_stands_beside_that_of_the_fit_before() -> None:
    """Of shares of 80, 20 and 0% there are 40, 20 and 40% left: 40% have moved, and the ranks (3, 2, 1) and (2.5, 1, 2.5) have nothing in common."""
    before, now = a_fit(DAYS[20], 0.05), a_fit(DAYS[50], -0.01)
    before = before.model_copy(update={"importance": {"A": 8.0, "B": 2.0}})
    now = now.model_copy(update={"importance": {"A": 20.0, "B": 10.0, "C": 20.0}})
    told = section(backtest_report(all_inputs(fits={"lightgbm_model": [before, now]})), "model_fits").split("importance ranks")[1]
    newest, oldest = (re.findall(r"<td[^>]*>([^<]*)</td>", row)[-2:] for row in told.split("<tr>")[1:3])
    assert newest == ["0.00", "40%"]
    assert oldest == ["–", "–"]
