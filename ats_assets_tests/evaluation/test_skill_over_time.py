from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.evaluation.skill_over_time import ic_by_month, quantile_curves


def skill(n: int = 80, horizon: int = 5) -> pl.DataFrame:
    random = np.random.default_rng(2)
    rows = []
    for i in range(n):
        day = date(2023, 11, 20) + timedelta(days=i)
        ic = None if i % 17 == 3 else float(random.normal(0.05, 0.1))
        quantiles = [float(r) if random.random() > 0.05 else None for r in random.normal(0, 0.01, 5)]
        rows += [(day + timedelta(days=h + 1), day, h, date(2023, 11, 1), 50, ic, ic, quantiles, 0.2) for h in (1, horizon)]
    return pl.DataFrame(rows, schema=SKILL_SCHEMA, orient="row").sample(fraction=1.0, shuffle=True, seed=1)


def test_months_are_the_means_of_alphalens() -> None:
    """alphalens' `mean_information_coefficient(by_time="M")`: the daily ICs resampled by month, and their mean."""
    rows = skill().filter(horizon_sessions=5).sort("decision_session")
    series = pd.Series(rows["rank_ic"].to_numpy(), index=pd.DatetimeIndex(rows["decision_session"].to_list()))
    found = ic_by_month(skill(), 5)
    np.testing.assert_allclose(found["rank_ic"].to_numpy(), series.resample("MS").mean().to_numpy(), rtol=1e-12)
    assert found["sessions"].to_list() == series.resample("MS").count().to_list()
    assert [day.day for day in found["month"]] == [1] * found.height


@pytest.mark.parametrize("horizon", [1, 5])
def test_curves_against_the_loop(horizon: int) -> None:
    rows = skill().filter(horizon_sessions=horizon).sort("decision_session")
    value, spread, expected = [1.0] * 5, 1.0, []
    for quantiles in rows["quantile_returns"].to_list():
        value = [v * (1 + (r or 0.0) / horizon) for v, r in zip(value, quantiles, strict=True)]
        spread *= 1 + ((quantiles[4] or 0.0) - (quantiles[0] or 0.0)) / horizon
        expected.append([*(v - 1 for v in value), spread - 1])
    found = quantile_curves(skill(), horizon)
    np.testing.assert_allclose(found.drop("session").to_numpy(), expected, rtol=1e-9, atol=1e-12)
    assert found["session"].to_list() == rows["decision_session"].to_list()


def test_nothing_judged_gives_empty_frames() -> None:
    none = SKILL_SCHEMA.to_frame()
    assert ic_by_month(none, 5).is_empty()
    assert quantile_curves(none, 5).is_empty()
