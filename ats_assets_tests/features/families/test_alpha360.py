"""Alpha360 against qlib itself, run on the same data."""

from pathlib import Path

import polars as pl
import pytest

from ats_assets.features import compute, lookback
from ats_assets.features.built_in import ALPHA360
from ats_assets_tests.expressions.differences import aligned, differing
from ats_assets_tests.expressions.panels import calendar, random_walks, same_bits
from ats_assets_tests.expressions.qlib_features import family_of_qlib, qlib_features
from ats_assets_tests.market_data import SP500_2018, needs_market_data


def test_names_order_and_expressions_are_those_of_qlib(tmp_path: Path) -> None:
    assert list(ALPHA360.items()) == family_of_qlib("alpha360", tmp_path)


def test_it_looks_back_59_sessions() -> None:
    assert lookback(ALPHA360) == 59
    assert len(ALPHA360) == 360


@pytest.mark.slow
def test_random_walks_equal_those_of_qlib(tmp_path: Path) -> None:
    """Late listings, suspended days, fields missing on their own, days without volume; none is exempt."""
    days = calendar(200)
    bars = random_walks(8, 200, seed=7)
    reference = qlib_features(bars, days, ALPHA360, tmp_path)
    ours = compute(bars, ALPHA360, sessions=days)
    assert not {name: rows.size for name, rows in differing(ours, aligned(ours, reference), list(ALPHA360)).items() if rows.size}


@needs_market_data
@pytest.mark.slow
def test_real_symbols_equal_those_of_qlib(tmp_path: Path) -> None:
    """Five years of the symbols with gaps or a short history and of as many others; a lag counts sessions, whether there is a row in them or not."""
    panel = pl.read_parquet(SP500_2018).rename({"date": "session"})
    days = panel["session"].unique().sort().to_list()
    lengths = panel.group_by("symbol").len().sort("len", "symbol")["symbol"]
    bars = panel.filter(pl.col("symbol").is_in(pl.concat([lengths.head(20), lengths.tail(20)]).implode()))
    reference = qlib_features(bars, days, ALPHA360, tmp_path)
    ours = compute(bars, ALPHA360, sessions=days)
    assert not {name: rows.size for name, rows in differing(ours, aligned(ours, reference), list(ALPHA360)).items() if rows.size}

    window = days[-60:]
    alone = compute(bars.filter(pl.col("session") >= window[0]), ALPHA360, sessions=window)
    assert same_bits(alone.filter(pl.col("session") == window[-1]), ours.filter(pl.col("session") == window[-1]))
