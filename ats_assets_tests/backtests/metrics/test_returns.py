from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ats_assets.backtests.metrics import period_returns, session_returns

DAYS = [date(2021, 11, 24) + timedelta(days=i) for i in range(500) if (date(2021, 11, 24) + timedelta(days=i)).weekday() < 5]
OWN, OTHER = np.random.default_rng(8).normal(0.0005, 0.01, (2, len(DAYS)))
EQUITY = pl.DataFrame({"session": DAYS, "equity": 1e6 * np.cumprod(1 + OWN), "benchmark": 50 * np.cumprod(1 + OTHER)})


@pytest.mark.parametrize(("period", "rule"), [("month", "ME"), ("year", "YE")])
def test_periods_are_the_compounded_sessions_as_quantstats_has_them(period: str, rule: str) -> None:
    """QuantStats' `monthly_returns`: the returns grouped by month, `prod(1 + r) - 1`."""
    found = period_returns(EQUITY, period)  # pyright: ignore[reportArgumentType]
    for name, column in (("account", "equity"), ("benchmark", "benchmark")):
        returns = pd.Series(session_returns(EQUITY[column].to_numpy()), index=pd.DatetimeIndex(DAYS[1:]))
        expected = (1 + returns).resample(rule).prod() - 1
        np.testing.assert_allclose(found[name].to_numpy(), expected.to_numpy(), rtol=1e-9)
        assert np.prod(1 + found[name].to_numpy()) == pytest.approx(EQUITY[column][-1] / EQUITY[column][0])
    assert found["sessions"].sum() == len(DAYS) - 1


def test_a_first_session_alone_in_its_month_has_no_return() -> None:
    frame = pl.DataFrame({"session": [date(2021, 1, 29), date(2021, 2, 1)], "equity": [1.0, 2.0], "benchmark": [1.0, 1.0]})
    assert period_returns(frame, "month")["period"].to_list() == [date(2021, 2, 1)]
    assert period_returns(frame.head(1), "month").is_empty()
    assert period_returns(frame.clear(), "year").is_empty()


def test_nothing_is_made_of_an_account_that_is_lost() -> None:
    frame = pl.DataFrame({"session": [date(2021, m, 28) for m in (1, 2, 3)], "equity": [1.0, -1.0, -2.0], "benchmark": [1.0, 1.0, 1.0]})
    assert period_returns(frame, "month")["account"].to_list() == [-2.0, None]
