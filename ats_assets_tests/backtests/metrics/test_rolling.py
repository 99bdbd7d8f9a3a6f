"""Against pandas' rolling windows, with which the published code of QuantStats 0.0.6x makes `rolling_volatility`, `rolling_sharpe` and `rolling_greeks`."""

import numpy as np
import pandas as pd
import pytest

from ats_assets.backtests.metrics import rolling_beta, rolling_sharpe, rolling_volatility

OWN, OTHER = np.random.default_rng(5).normal(0.0005, 0.01, (2, 400))
OWN = OWN + 0.7 * OTHER


@pytest.mark.parametrize("window", [2, 126, 400])
def test_windows_are_those_of_pandas(window: int) -> None:
    own, other = pd.Series(OWN), pd.Series(OTHER)
    deviation = own.rolling(window).std() * np.sqrt(252)
    np.testing.assert_allclose(rolling_volatility(OWN, window, 252), deviation, rtol=1e-7)
    sharpe = own.rolling(window).mean() / own.rolling(window).std() * np.sqrt(252)
    np.testing.assert_allclose(rolling_sharpe(OWN, window, 252), sharpe, rtol=1e-6)
    beta = own.rolling(window).corr(other) * own.rolling(window).std() / other.rolling(window).std()
    np.testing.assert_allclose(rolling_beta(OWN, OTHER, window), beta, rtol=1e-5, atol=1e-9)


def test_the_last_window_alone_is_the_whole_of_a_shorter_history() -> None:
    """A partition of a range comes out as in the whole: no running sums."""
    assert rolling_sharpe(OWN, 63, 252)[-1] == rolling_sharpe(OWN[-63:], 63, 252)[-1]
    assert rolling_beta(OWN, OTHER, 63)[-1] == rolling_beta(OWN[-63:], OTHER[-63:], 63)[-1]


def test_nothing_is_said_before_the_window_is_full_or_where_nothing_moves() -> None:
    assert np.isnan(rolling_volatility(OWN[:5], 6, 252)).all()
    still = np.zeros(10)
    assert np.isnan(rolling_sharpe(still, 4, 252)).all()
    assert np.isnan(rolling_beta(OWN[:10], still, 4)).all()
    assert len(rolling_volatility(np.zeros(0), 4, 252)) == 0
