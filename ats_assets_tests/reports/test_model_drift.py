"""The section of drift counts alarms as `ats drift` does, and shows each figure beside what is unusual."""

from datetime import date

import polars as pl

from ats_assets.calendar import session_calendar
from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.reports.charts import Chart
from ats_assets.reports.page_blocks import Heading, Note, Table
from ats_assets.reports.report_section import ReportInputs, sections
from ats_assets.settings import BacktestSettings, load_settings

CALENDAR = session_calendar("XNYS", date(2021, 1, 4))
DAYS = CALENDAR.sessions(date(2022, 1, 3), date(2022, 12, 30))
ALARMS = {5, 8, 15, 26, 27}
"""Places of sessions: the first three are one drift, since none is more than ten sessions from the one before; the last two another."""


def rows(figure: float = 0.5) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (day, "trees", "features", "psi", figure if place not in ALARMS else 3.0, 1.5, place in ALARMS, "farthest: a", None, None)
            if place > 2
            else (day, "trees", "features", "psi", None, None, False, "too short", None, None)
            for place, day in enumerate(DAYS)
        ],
        schema=DRIFT_SCHEMA,
        orient="row",
    )


def made(**values: object) -> list:
    given = {"result": None, "metrics": None, "sessions": DAYS, "settings": BacktestSettings()} | values
    return list(sections()["model_drift"].make(ReportInputs(**given)) or ())  # pyright: ignore[reportArgumentType]


def test_alarms_that_are_near_are_one_drift_and_the_newest_is_shown_first() -> None:
    blocks = made(rows={"drift": rows()})
    assert next(block.text for block in blocks if isinstance(block, Note)).startswith(f"2 drifts were found in {len(DAYS)} sessions")
    tests, drifts = (block for block in blocks if isinstance(block, Table))
    assert [row[:2] for row in drifts.rows] == [(str(DAYS[26]), str(DAYS[27])), (str(DAYS[5]), str(DAYS[15]))]
    assert tests.rows == [("features", "psi", str(len(DAYS) - 3), f"{5 / (len(DAYS) - 3):.1%}", "0.50", "1.50", "farthest: a")]
    assert not [block for block in blocks if isinstance(block, Heading) and "Refits" in block.text]


def test_the_picture_divides_by_what_is_unusual() -> None:
    (chart,) = (block for block in made(rows={"drift": rows()}) if isinstance(block, Chart))
    (psi,) = (values for name, _, values in chart.readout["series"] if name == "features: psi")
    assert [psi[place] for place in (0, 4, 5)] == [None, round(0.5 / 1.5, 6), 2.0]


def test_a_market_without_alarms_is_told_to_have_none() -> None:
    quiet = rows().with_columns(alarm=pl.lit(value=False))
    blocks = made(rows={"drift": quiet})
    assert "0 drifts were found" in next(block.text for block in blocks if isinstance(block, Note))
    assert not [block for block in blocks if isinstance(block, Heading)]


def test_nothing_is_read_unless_settings_ask_for_drift() -> None:
    section = sections()["model_drift"]
    assert section.reads(Deployment(load_settings())) == ()
    assert section.reads(Deployment(load_settings(drift={}))) == ("drift",)
    with_refits = load_settings(drift={}, training={"refit": "monthly", "refit_on_drift": True})
    assert section.reads(Deployment(with_refits)) == ("drift", "lightgbm_refits")
    assert not made(rows={})
