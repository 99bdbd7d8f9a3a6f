"""Random expressions, a thousand in full, against qlib, run on the same data; where the two differ, a calculation from scratch is the judge.

qlib takes about twenty seconds for a thousand expressions over a thousand rows, the judge some more. See docs/expressions.md for the kinds of cases in which it is off.
"""

import itertools
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from ats_assets.expressions import OPERATORS, compute, parse
from ats_assets.expressions.syntax import Call, walk
from ats_assets_tests.expressions.judge import Verdict, judge
from ats_assets_tests.expressions.panels import calendar, random_walks
from ats_assets_tests.expressions.qlib_features import qlib_features
from ats_assets_tests.expressions.random_expressions import random_expressions
from ats_assets_tests.market_data import SP500_2018, needs_market_data
from ats_assets_tests.rounds import rounds

COUNT = 1_000
COMPARED = rounds(250, COUNT)
"""Of them, so many are computed by qlib too."""


def compared_expressions(seed: int) -> dict[str, str]:
    return dict(itertools.islice(random_expressions(COUNT, seed).items(), COMPARED))


def _compared(bars: pl.DataFrame, sessions: list, expressions: dict[str, str], folder: Path) -> Verdict:
    """With a row of missing values for each session without one between a symbol's first and last."""
    reference = qlib_features(bars, sessions, expressions, folder)
    panel = reference.select("symbol", "session").join(bars, on=["symbol", "session"], how="left")
    return judge(compute(panel, expressions, sessions=sessions, flat="qlib"), reference, panel, sessions, expressions)


def test_every_operator_occurs_often() -> None:
    expressions = random_expressions(COUNT, seed=1)
    assert len(expressions) == COUNT
    assert random_expressions(COUNT, seed=1) == expressions
    names = Counter(node.name for text in expressions.values() for node, _ in walk(parse(text)) if isinstance(node, Call))
    assert min(names[name] for name in OPERATORS if not name.startswith("CS")) >= 10


@pytest.mark.slow
def test_random_walks(tmp_path: Path) -> None:
    """Late listings, missing values, flat stretches: no value is off but where qlib is, or where rounding decides."""
    verdict = _compared(random_walks(6, 160, seed=31), calendar(160), compared_expressions(1), tmp_path)
    assert not verdict.wrong
    qlib_off, rounding = verdict.shares()
    assert 0 < qlib_off < 0.01
    assert rounding < 0.005


@needs_market_data
@pytest.mark.slow
def test_real_symbols(tmp_path: Path) -> None:
    """Two hundred sessions of real bars: symbols with gaps or a short history, and others."""
    panel = pl.read_parquet(SP500_2018).rename({"date": "session"})
    days = panel["session"].unique().sort().to_list()[-200:]
    recent = panel.filter(pl.col("session") >= days[0])
    lengths = recent.group_by("symbol").len().sort("len", "symbol")["symbol"].to_list()
    names = dict(zip([*lengths[-1:], *lengths[:3], lengths[200]], [f"S{number:02d}" for number in range(5)], strict=True))
    bars = recent.filter(pl.col("symbol").is_in(list(names))).with_columns(
        pl.col("symbol").replace_strict(names), vwap=(pl.col("high") + pl.col("low") + pl.col("close")) / 3
    )
    verdict = _compared(bars, days, compared_expressions(2), tmp_path)
    assert not verdict.wrong
    qlib_off, rounding = verdict.shares()
    assert 0 < qlib_off < 0.01
    assert rounding < 0.01
