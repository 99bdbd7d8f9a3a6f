"""The report of events: the same bytes from the same input, its figures, and where there is nothing to show."""

from datetime import date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from ats_assets.events.choosing import EventModel
from ats_assets.events.event_backtest import EventBacktest, EventBacktests
from ats_assets.events.event_figures import event_figures
from ats_assets.events.event_trades import event_equity
from ats_assets.events.schema import EVENT_OUTCOMES_SCHEMA, EVENT_TRADES_SCHEMA
from ats_assets.models import Model
from ats_assets.models.learners.random_forest import RandomForest, RandomForestSettings
from ats_assets.reports.event_report import EventReportInputs, event_content
from ats_assets.reports.event_simulation import event_simulation
from ats_assets.reports.page import page
from ats_assets.reports.page_blocks import Note, Table
from ats_assets.reports.pdf_form import report_pdf
from ats_assets.settings import EventBacktestSettings

DAY = date(2014, 5, 1)
FOREST = RandomForest(RandomForestSettings())
META = EventModel(model=Model(name="meta", kind="random_forest", learner=FOREST, quick=FOREST), judges="rule")  # pyright: ignore[reportArgumentType]


def backtests(n: int, edge: float = 0.0) -> EventBacktests:
    """So many trades in ten sessions, of which each gains `edge` on average."""
    random = np.random.default_rng(1)
    at = [datetime(2014, 5, 1, tzinfo=timezone.utc) + timedelta(minutes=14_000 // max(n, 1) * i) for i in range(n)]  # noqa: UP017
    net = edge + 1e-3 * random.standard_normal(n)
    common = {"symbol": ["A"] * n, "session": [one.date() for one in at], "side": [1] * n, "probability": random.random(n) * 0.4 + 0.55}
    trades = pl.DataFrame(
        common
        | {"decided_at": at, "entered_at": at, "left_at": at, "entry_price": [1.0] * n, "exit_price": 1 + net, "return_gross": net + 5e-5}
        | {"cost": [5e-5] * n, "return_net": net, "barrier": ["gain"] * n, "holding_bars": [3] * n, "spread_known": [True] * n},
        schema=None if n else EVENT_TRADES_SCHEMA,
    ).select(pl.col(name).cast(dtype) for name, dtype in EVENT_TRADES_SCHEMA.items())
    outcomes = pl.DataFrame(
        common | {"known_at": at, "bar": [0] * n, "score": common["probability"], "model_session": [DAY] * n, "outcome": net},
        schema=None if n else EVENT_OUTCOMES_SCHEMA,
    ).select(pl.col(name).cast(dtype) for name, dtype in EVENT_OUTCOMES_SCHEMA.items())
    equity = event_equity(trades, [DAY + timedelta(i) for i in range(10)] if n else [], 1)
    one = EventBacktest(outcomes=outcomes, trades=trades, equity=equity, figures=event_figures(META, outcomes, trades, equity))
    return EventBacktests(traded="meta", found={"meta": one}, upstream={})


def test_the_page_is_the_same_each_time_and_says_what_the_figures_do() -> None:
    content = event_content(EventReportInputs(backtests=backtests(200), counts=[("tick_bars", 1_000, "bars")]))
    html = page(content)
    assert html == page(event_content(EventReportInputs(backtests=backtests(200), counts=[("tick_bars", 1_000, "bars")])))
    assert [part.name for part in content.parts] == ["overview", "equity", "trades", "monte_carlo", "skill", "made_of"]
    assert content.figures["models"]["meta"]["verdict"] in html
    assert "No edge: " in html


def test_it_is_a_pdf_too() -> None:
    """It had never been made: the same bytes each time, with and without trades."""
    pytest.importorskip("typst")
    for n in (200, 0):
        content = event_content(EventReportInputs(backtests=backtests(n), counts=[("tick_bars", 1_000, "bars")]))
        made = report_pdf(content)
        assert made.startswith(b"%PDF-")
        assert made == report_pdf(content)


def test_an_edge_is_said_only_where_there_is_one() -> None:
    assert backtests(200, edge=2e-3).own.figures.verdict.startswith("An edge after costs: ")
    assert "10 sessions are too few to find a small one" in backtests(200, edge=2e-3).own.figures.verdict


def test_without_predictions_there_is_a_page_that_says_so() -> None:
    html = page(event_content(EventReportInputs(backtests=backtests(0))))
    assert "No verdict: no model was old enough to predict anything." in html


def test_trades_are_drawn_again() -> None:
    settings = EventBacktestSettings(paths=200)
    (note,) = event_simulation(backtests(5).own.trades, 1, settings)
    assert isinstance(note, Note)
    assert "too few" in note.text
    *_, table = event_simulation(backtests(200).own.trades, 1, settings)
    assert isinstance(table, Table)
    shuffled = table.rows[-1]
    assert shuffled[1] == shuffled[2] == shuffled[3], "the order of the same trades does not change what they come to"
    total = 100 * (np.prod(1 + backtests(200).own.trades["return_net"].to_numpy()) - 1)
    assert abs(float(shuffled[2].rstrip("%").replace("−", "-")) - total) < 0.006
