"""The leak check finds samplers that see ticks to come, and no others."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from ats_assets.leakcheck import find_leaks, of_row_form
from ats_assets_tests.intraday.test_sampled_assets import SAMPLERS, stored
from ats_assets_tests.small_market import make_history


def test_samplers_and_measures_see_nothing_that_comes_and_one_of_ones_own_that_does_is_named(tmp_path: Path) -> None:
    deployment, sessions = stored(tmp_path, microstructure={"frame": "dollar_bars", "window_bars": 10}, **SAMPLERS)
    make_history(deployment, sessions[0], sessions[-1], list(SAMPLERS))
    found = {one.subject.name: one for one in of_row_form(deployment, 6)}
    assert found.keys() == {*SAMPLERS, "microstructure"}
    for name, one in found.items():
        assert find_leaks(one.subject, one.times, draws=2) == [], name
    honest = found["dollar_bars"].subject

    def knowing(rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        return honest.make(rows).with_columns(threshold=pl.col("close").last().over("symbol", "session"))

    leaking = type(honest)(**{**vars(honest), "make": knowing})
    leaks = find_leaks(leaking, found["dollar_bars"].times, draws=2)
    assert isinstance(leaks, Sequence)
    assert {leak.column for leak in leaks} == {"threshold"}
