from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ats_assets.evaluation.edge_test import newey_west_t
from ats_assets.evaluation.model_segments import model_segments

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(60)]
FITTED = [DAYS[0]] * 25 + [DAYS[24]] * 20 + [DAYS[44]] * 15


def rows(ics: list[float | None]) -> pl.DataFrame:
    other = pl.DataFrame({"decision_session": DAYS, "horizon_sessions": [1] * 60, "model_session": FITTED, "rank_ic": [9.0] * 60})
    own = pl.DataFrame({"decision_session": DAYS, "horizon_sessions": [5] * 60, "model_session": FITTED, "rank_ic": ics})
    return pl.concat([other, own]).sample(fraction=1.0, shuffle=True, seed=1)


def test_each_fit_is_judged_on_the_decisions_between_it_and_the_next() -> None:
    random = np.random.default_rng(2)
    ics, equity = random.normal(0.05, 0.1, 60), 100.0 * np.cumprod(1.0 + random.normal(0.0, 0.01, 60))
    found = model_segments(rows([None, *ics[1:].tolist()]), pl.DataFrame({"session": DAYS, "equity": equity}), 5)
    assert [(one.model_session, one.first, one.last, one.sessions) for one in found] == [
        (DAYS[0], DAYS[0], DAYS[24], 25),
        (DAYS[24], DAYS[25], DAYS[44], 20),
        (DAYS[44], DAYS[45], DAYS[59], 15),
    ]
    for one, own in zip(found, (ics[1:25], ics[25:45], ics[45:]), strict=True):
        assert one.rank_ic == pytest.approx(own.mean())
        assert one.t_statistic == newey_west_t(own, 5)
        assert one.positive_share == pytest.approx((own > 0).mean())
    returns = [1.0 + (one.account_return or 0.0) for one in found]
    assert np.prod(returns) == pytest.approx(equity[-1] / equity[0]), "the segments' returns are the account's"


def test_without_outcomes_or_without_a_backtest_there_is_no_figure() -> None:
    assert model_segments(rows([0.1] * 60).clear(), pl.DataFrame({"session": DAYS, "equity": [1.0] * 60}), 5) == []
    found = model_segments(rows([None] * 60), pl.DataFrame(schema={"session": pl.Date, "equity": pl.Float64}), 5)
    assert {(one.rank_ic, one.t_statistic, one.account_return) for one in found} == {(None, None, None)}
