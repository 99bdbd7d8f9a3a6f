"""From bars to regimes: observations by hand, and regimes that are the same alone and in any range and know nothing of what comes after."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.refits import is_refit_session
from ats_assets.regimes.contracts import RegimeFits, RegimeObservations, regimes_contract
from ats_assets.regimes.market_observations import observation_lookback, regime_observations
from ats_assets.regimes.regime_features import estimations, fit_rows, fits_lookback, regime_at, regimes_of
from ats_assets.regimes.schema import FITS_SCHEMA, OBSERVATIONS_SCHEMA
from ats_assets.settings import RegimeSettings
from ats_assets_tests.kits import market
from ats_assets_tests.regimes.chains import planted

CALENDAR = SessionCalendar("XNYS", date(2020, 1, 2))
DAYS = CALENDAR.sessions(date(2020, 1, 2), date(2022, 6, 30))
QUICK = RegimeSettings(
    observations=("return",), max_states=2, starts=2, train_sessions=200, min_train_sessions=60, match_refits=2, filter_sessions=40
)
NO_ACTIONS = CORPORATE_ACTIONS_SCHEMA.to_frame()


def bars_of(closes: dict[str, list[float | None]], *, range_: float = 0.02) -> pl.DataFrame:
    rows = [
        (symbol, market.DAYS[i], close, close * np.exp(range_ / 2), close * np.exp(-range_ / 2))
        for symbol, series in closes.items()
        for i, close in enumerate(series)
        if close is not None
    ]
    return pl.DataFrame(rows, schema=["symbol", "session", "close", "high", "low"], orient="row").cast({"session": pl.Date})


def observed(bars: pl.DataFrame, last: int, settings: RegimeSettings, actions: pl.DataFrame = NO_ACTIONS) -> pl.DataFrame:
    sessions = market.DAYS[: last + 1]
    found = regime_observations(
        bars, actions, bars.select("symbol", "session"), settings, days=sessions, sessions=sessions, adjust="splits_and_dividends"
    )
    return RegimeObservations.validate(found)


def test_the_markets_observation_by_hand() -> None:
    bars = bars_of({"A": [10.0, 11.0], "B": [20.0, 19.0], "C": [5.0, 5.0], "NEW": [None, 3.0]})
    first, second = observed(bars, 1, RegimeSettings()).rows(named=True)
    assert (first["return"], first["breadth"], first["symbols"]) == (None, None, 0)
    assert second["return"] == pytest.approx((10.0 - 5.0 + 0.0) / 3)
    assert second["breadth"] == pytest.approx((1 - 1) / 3)
    assert second["volatility"] == pytest.approx(np.log(0.02))
    assert (second["symbol"], second["symbols"], second["member"]) == (None, 3, True)


def test_a_split_and_a_change_of_name_are_no_return() -> None:
    bars = bars_of({"A": [100.0, 25.0], "OLD": [50.0, None], "NEW": [None, 55.0]})
    told = pl.DataFrame(
        [
            {"symbol": "A", "session": market.DAYS[1], "kind": "split", "ratio": 4.0},
            {"symbol": "OLD", "session": market.DAYS[1], "kind": "name_change", "new_symbol": "NEW"},
        ],
        schema=CORPORATE_ACTIONS_SCHEMA,
    )
    assert observed(bars, 1, RegimeSettings(), told)["return"][1] == pytest.approx((0.0 + 10.0) / 2)


def test_a_symbols_return_is_over_its_own_deviation_before() -> None:
    random = np.random.default_rng(1)
    closes = 10.0 * np.exp(np.cumsum(random.normal(0, 0.02, 30)))
    bars = bars_of({"A": closes.tolist(), "B": (closes * 2).tolist()})
    found = observed(bars, 29, RegimeSettings(form="micro", scale_sessions=25)).filter(symbol="A")
    returns = 100 * (closes[1:] / closes[:-1] - 1)
    assert found["return"].null_count() == 21  # one session without a return, twenty returns before the first with a deviation
    assert found["return"][29] == pytest.approx(returns[28] / returns[3:28].std(ddof=1))
    assert found["volatility"][29] == pytest.approx(0.0)


@pytest.mark.parametrize("form", ["macro", "micro"])
def test_an_observation_is_the_same_alone_and_in_any_range_and_sees_nothing_later(form: str) -> None:
    settings = RegimeSettings.model_validate({"form": form, "scale_sessions": 25})
    frames, back = market.frames(), observation_lookback(settings)

    def made(rows: market.Frames, first: int, last: int) -> pl.DataFrame:
        days = market.DAYS[max(0, first - back) : last + 1]
        within = pl.col("session").is_between(days[0], days[-1])
        given = (rows["bars"].filter(within), rows["corporate_actions"].filter(within), rows["universe"].filter(within))
        return regime_observations(*given, settings, days=days, sessions=market.DAYS[first : last + 1], adjust="splits_and_dividends")

    whole = made(frames, 0, 49)
    assert whole["return"].is_not_null().sum() > 10
    for i in range(0, 50, 7):
        assert made(frames, i, i).equals(whole.filter(session=market.DAYS[i])), i
    other = made(market.other_future(market.DAYS[30]), 0, 49)
    before = pl.col("session") <= market.DAYS[30]
    assert other.filter(before).equals(whole.filter(before))


def market_rows(values: np.ndarray) -> pl.DataFrame:
    frame = pl.DataFrame({"session": DAYS[: len(values)], "return": values}).with_columns(
        symbol=pl.lit(None, pl.String), volatility=None, breadth=None, symbols=50, member=True
    )
    return frame.select(OBSERVATIONS_SCHEMA.names()).cast(OBSERVATIONS_SCHEMA)


def fits_of(rows: pl.DataFrame, settings: RegimeSettings) -> pl.DataFrame:
    parts = [FITS_SCHEMA.to_frame()]
    for i, day in enumerate(DAYS[: rows["session"].n_unique()]):
        if is_refit_session(CALENDAR, day, settings.refit):
            window = pl.col("session").is_between(DAYS[max(0, i - settings.train_sessions + 1)], day)
            parts.append(fit_rows(day, rows.filter(window), settings))
    return RegimeFits.validate(pl.concat(parts))


def made(rows: pl.DataFrame, fits: pl.DataFrame, first: int, last: int, settings: RegimeSettings) -> pl.DataFrame:
    """What the asset makes of its own windows alone."""
    reach = max(settings.filter_sessions + settings.lags_of_mean - 1, fits_lookback(settings))
    days = DAYS[max(0, first - reach) : last + 1]
    own = rows.filter(pl.col("session").is_between(DAYS[max(0, first - settings.filter_sessions - settings.lags_of_mean + 1)], days[-1]))
    known = fits.filter(pl.col("session").is_between(DAYS[max(0, first - fits_lookback(settings))], days[-1]))
    keys = rows.select(pl.col("symbol").fill_null("A"), "session") if settings.form == "macro" else rows.select("symbol", "session")
    return regimes_of("m", settings, observations=own, fits=known, bars=keys, days=days, sessions=DAYS[first : last + 1])


@pytest.fixture(scope="module")
def history() -> tuple[np.ndarray, pl.DataFrame, pl.DataFrame]:
    path, values = planted(np.array([0.7, 2.2]), seed=12, rows=420, stay=0.985)
    rows = market_rows(values)
    return path, rows, fits_of(rows, QUICK)


def test_regimes_follow_the_planted_states_and_keep_to_their_contract(history: tuple[np.ndarray, pl.DataFrame, pl.DataFrame]) -> None:
    path, rows, fits = history
    found = made(rows, fits, 0, 419, QUICK)
    regimes_contract("regimes", "m", QUICK).validate(found)
    known = found.filter(pl.col("m_state").is_not_nan())
    assert known["session"][0] == fits["session"].min()
    assert (known["m_state"].to_numpy()[-220:] == path[-220:]).mean() > 0.9  # once the first estimation has seen 200 sessions
    assert (known["m_sessions_in_state"] <= QUICK.filter_sessions).all()
    assert found.head(20)["m_p0"].is_nan().all()  # no estimation yet


@pytest.mark.parametrize("kind", ["hmm", "markov_switching"])
def test_regimes_are_the_same_alone_and_in_any_range_and_see_nothing_later(kind: str) -> None:
    settings = RegimeSettings.model_validate(QUICK.model_dump() | {"kind": kind})
    _, values = planted(np.array([0.7, 2.2]), seed=3, rows=300)
    rows = market_rows(values)
    fits = fits_of(rows, settings)
    whole = made(rows, fits, 0, 299, settings)
    for i in range(100, 300, 23):
        assert made(rows, fits, i, i, settings).equals(whole.filter(session=DAYS[i])), i
    assert made(rows, fits, 150, 180, settings).equals(whole.filter(pl.col("session").is_between(DAYS[150], DAYS[180])))
    other = market_rows(np.concatenate([values[:200], 9.0 * values[200:] + 3.0]))
    again = made(other, fits_of(other, settings), 0, 299, settings)
    before = pl.col("session") < DAYS[200]
    assert again.filter(before).equals(whole.filter(before))
    assert not again.equals(whole)


def test_symbols_have_regimes_of_their_own_and_a_halt_does_not_begin_anew() -> None:
    settings = RegimeSettings.model_validate(QUICK.model_dump() | {"form": "micro"})
    parts = []
    for seed, symbol in enumerate(("A", "B", "C")):
        _, values = planted(np.array([0.7, 2.0]), seed=30 + seed, rows=250)
        parts.append(market_rows(values).with_columns(symbol=pl.lit(symbol), symbols=pl.lit(1, pl.UInt32)))
    halted = (pl.col("symbol") == "B") & pl.col("session").is_between(DAYS[230], DAYS[233])
    rows = pl.concat(parts).filter(~halted).sort("session", "symbol")
    fits = fits_of(rows, settings)
    whole = made(rows, fits, 0, 249, settings)
    assert whole.select("symbol", "session").equals(rows.select("symbol", "session"))
    last = whole.filter(session=DAYS[249])
    assert last["m_p0"].n_unique() == 3
    for i in (229, 234, 240, 249):
        assert made(rows, fits, i, i, settings).equals(whole.filter(session=DAYS[i])), i
    resumed = whole.filter(pl.col("symbol") == "B", pl.col("session") == DAYS[234])["m_sessions_in_state"][0]
    assert resumed > 1


def test_a_group_is_observed_and_estimated_as_if_there_were_no_others_and_others_have_no_regime() -> None:
    """Of a group as a market, and of one symbol: the oracle is a market that has nobody else."""
    random = np.random.default_rng(8)
    closes = {name: (10.0 * np.exp(np.cumsum(random.normal(0, 0.02, 30)))).tolist() for name in "ABCD"}
    group = RegimeSettings(symbols=("A", "B"))
    alone = observed(bars_of({name: closes[name] for name in "AB"}), 29, RegimeSettings())
    assert observed(bars_of(closes), 29, group).equals(alone)
    one = RegimeSettings.model_validate(QUICK.model_dump() | {"form": "micro", "symbols": ("B",)})
    seen = observed(bars_of(closes), 29, one.model_copy(update={"scale_sessions": 25}))
    assert set(seen.filter("member")["symbol"]) == {"B"}
    parts = []
    for seed, symbol in enumerate("ABC"):
        _, values = planted(np.array([0.7, 2.0]), seed=40 + seed, rows=120)
        parts.append(market_rows(values).with_columns(symbol=pl.lit(symbol), symbols=pl.lit(1, pl.UInt32), member=pl.lit(symbol == "B")))
    rows = pl.concat(parts).sort("session", "symbol")
    own = rows.filter(symbol="B")
    fits, of_own = fits_of(rows, one), fits_of(own, one)
    assert fits.equals(of_own)
    found, expected = made(rows, fits, 0, 119, one), made(own, of_own, 0, 119, one)
    assert found.filter(symbol="B").equals(expected)
    assert expected["m_p0"].is_not_nan().any()
    assert found.filter(pl.col("symbol") != "B")["m_p0"].is_nan().all()


def test_the_number_of_states_is_that_of_the_mean_criterion_so_one_refit_does_not_change_it() -> None:
    days = [date(2021, 1, 4) + timedelta(days=31 * i) for i in range(4)]
    _, values = planted(np.array([0.7, 2.2]), seed=5, rows=300)
    one = fit_rows(days[0], market_rows(values), RegimeSettings.model_validate(QUICK.model_dump() | {"max_states": 3}))
    assert one["bic"].arg_min() == 0
    settings = RegimeSettings.model_validate(QUICK.model_dump() | {"max_states": 3, "match_refits": 2})
    odd = one.with_columns(bic=pl.when(pl.col("states") == 3).then(pl.col("bic").min() - 5.0).otherwise("bic"), session=pl.lit(days[2]))
    usual = [one.with_columns(session=pl.lit(day)) for day in days[:2]]
    found = [regime_at(pl.concat(rows), settings) for rows in ([odd], [*usual, odd])]
    assert [model.states for model in found if model] == [3, 2]


def test_too_few_sessions_give_no_estimation_and_missing_ones_do_not_count() -> None:
    values = np.random.default_rng(1).normal(size=100)
    values[:60] = np.nan
    assert estimations(market_rows(values), QUICK) == {}
    assert fit_rows(DAYS[99], market_rows(values), QUICK).is_empty()
    assert regime_at(FITS_SCHEMA.to_frame(), QUICK) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"symbols": ("A", "A"), "form": "micro"}, "symbols names one twice"),
        ({"symbols": ("A",)}, "one symbol .A. is no market"),
        ({"min_states": 4, "max_states": 3}, r"min_states \(4\) must be at most max_states \(3\)"),
        ({"form": "micro", "observations": ["breadth"]}, "breadth is of a whole market"),
        ({"kind": "markov_switching", "observations": ["return", "volatility"]}, "takes one observation"),
        ({"observations": ["return", "return"]}, "names one twice"),
        ({"train_sessions": 100}, "min_train_sessions"),
        ({"states": 3}, "Extra inputs"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RegimeSettings.model_validate(values)


def test_a_switching_mean_takes_the_return_unless_told_otherwise() -> None:
    assert RegimeSettings.model_validate({"kind": "markov_switching"}).observations == ("return",)
