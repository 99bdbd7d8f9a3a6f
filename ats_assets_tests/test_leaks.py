"""Planted leaks from the future: each is caught by making a partition again in a world that ends with its session, and honest code is not.

The assets are those of the graph; only the domain function in one of them is exchanged for one that leaks.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.bars import BARS_SCHEMA
from ats_assets.errors import LookAheadError
from ats_assets.features import compute as honest_features
from ats_assets.labels.methods.forward_returns import forward_returns as honest_labels
from ats_assets.settings import LabelsSettings
from ats_assets.sources.adapters.synthetic.source import SyntheticSource
from ats_assets.sources.schema import PRICES
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, sessions_under, small_market, without_the_future

pytestmark = pytest.mark.slow
LAST = date(2021, 1, 29)
"""Nineteen sessions; a leak shows in any."""
DAY = date(2021, 1, 22)
KEYS = ("symbol", "session")
HONEST_BARS = SyntheticSource.bars


def tomorrow(features: pl.DataFrame) -> pl.DataFrame:
    """Each factor a session late: the row of D is that of D+1 where there is one. The classic slip, a shift by -1."""
    return features.with_columns(pl.exclude(KEYS).shift(-1).over("symbol", order_by="session").fill_null(float("nan")))


def standardised(features: pl.DataFrame) -> pl.DataFrame:
    """Each factor less its mean over all rows at hand, by its deviation: a full-sample normalisation."""
    real = pl.exclude(KEYS).fill_nan(None)
    return features.with_columns(((pl.exclude(KEYS) - real.mean()) / real.std()).cast(pl.Float32).fill_null(float("nan")))


def of_features(leak: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[..., pl.DataFrame]:
    def compute(bars: pl.DataFrame, *args: Any, **kwargs: Any) -> pl.DataFrame:
        return leak(honest_features(bars, *args, **kwargs)).sort("session", "symbol")

    return compute


def under_their_decision(
    bars: pl.DataFrame, calendar_sessions: Sequence[date], sessions: Sequence[date], settings: LabelsSettings, adjustments: pl.DataFrame
) -> pl.DataFrame:
    """Each label is stored under the session that it judges: convenient for a join, and known long before its time."""
    labels = honest_labels(bars, calendar_sessions, sessions, settings, adjustments)
    stored = labels.with_columns(session=pl.col("decision_session")).filter(pl.col("session").is_in(list(sessions)))
    return stored.sort("session", "horizon_sessions", "symbol")


def a_session_early(
    bars: pl.DataFrame, calendar_sessions: Sequence[date], sessions: Sequence[date], settings: LabelsSettings, adjustments: pl.DataFrame
) -> pl.DataFrame:
    """Each label is stored one session before its exit: an error by one in the horizon."""
    before = dict(zip(calendar_sessions[1:], calendar_sessions, strict=False))
    labels = honest_labels(bars, calendar_sessions, sessions, settings, adjustments)
    stored = labels.with_columns(session=pl.col("session").replace_strict(before, default=None)).filter(
        pl.col("session").is_in(list(sessions))
    )
    return stored.sort("session", "horizon_sessions", "symbol")


def ranked_over_all(
    bars: pl.DataFrame, calendar_sessions: Sequence[date], sessions: Sequence[date], settings: LabelsSettings, adjustments: pl.DataFrame
) -> pl.DataFrame:
    """The percentile of a return is taken among all rows at hand instead of among those of its session."""
    labels = honest_labels(bars, calendar_sessions, sessions, settings, adjustments)
    return labels.with_columns(rank=pl.col("forward_return").rank("average") / pl.len())


def adjusted_to_the_newest_close(source: SyntheticSource, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
    """A vendor that scales a symbol's whole history to its newest price, as adjustment for splits and dividends does."""
    newest = HONEST_BARS(source, [source.latest_session()]).select("symbol", newest="close").unique("symbol")
    bars = HONEST_BARS(source, sessions, symbols)
    scale = pl.lit(bars.join(newest, on="symbol", how="left", maintain_order="left")["newest"].fill_null(1.0))
    return bars.with_columns(pl.col(*PRICES, "vwap") / scale)


def _differing(found: list[str]) -> set[str]:
    return {line.split("/")[1] for line in found}


def test_honest_assets_are_not_accused(tmp_path: Path) -> None:
    make_history(small_market(tmp_path / "all", **EARLY_MODELS), FIRST, LAST)
    assert Warehouse(tmp_path / "all" / "warehouse").read("signals", [DAY]).height > 0
    for i, day in enumerate(sessions_under(tmp_path / "all")[6::4]):
        assert without_the_future(tmp_path / "all", day, tmp_path / str(i), **EARLY_MODELS) == []


def leaks(tmp_path: Path) -> set[str]:
    """The assets that do not come out again when the future is deleted."""
    make_history(small_market(tmp_path / "all", **EARLY_MODELS), FIRST, LAST)
    return _differing(without_the_future(tmp_path / "all", DAY, tmp_path / "until", **EARLY_MODELS))


@pytest.mark.parametrize("leak", [tomorrow, standardised])
def test_a_leak_in_a_feature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leak: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    monkeypatch.setattr("ats_assets.features.making.compute", of_features(leak))
    found = leaks(tmp_path)
    assert {"alpha158", "predictions"} <= found
    assert not {"raw_bars", "bars", "universe", "forward_returns"} & found


def test_a_factor_of_tomorrow_is_refused() -> None:
    bars = pl.DataFrame(schema=BARS_SCHEMA)
    with pytest.raises(LookAheadError, match=r"Ref\(\$close, -1\)"):
        honest_features(bars, {"NEXT": "Ref($close, -1) / $close"}, sessions=[DAY])


@pytest.mark.parametrize("leak", [under_their_decision, a_session_early, ranked_over_all])
def test_a_leak_in_a_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leak: Callable[..., pl.DataFrame]) -> None:
    monkeypatch.setattr("ats_assets.labels.methods.forward_returns.forward_returns", leak)
    found = leaks(tmp_path)
    assert "forward_returns" in found
    assert not {"raw_bars", "bars", "universe", "alpha158", "predictions"} & found


def test_a_leak_in_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SyntheticSource, "bars", adjusted_to_the_newest_close)
    assert {"raw_bars", "bars", "alpha158"} <= leaks(tmp_path)
