"""Features of option chains: by hand, by brute force from the chains themselves, and the same alone, in a range and in any order."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.features.families.option_features import OPTION_FEATURES
from ats_assets.features.option_rows import option_features
from ats_assets.options.surface.volatility_surface import volatility_surface
from ats_assets.settings import OptionFeaturesSettings
from ats_assets.sources.schema import BARS_SCHEMA
from ats_assets_tests.options.planted_chains import Planted, chains_of, greeks_of

CALENDAR = session_calendar("XNYS", date(2023, 1, 3))
DAYS = CALENDAR.sessions(date(2024, 1, 26), date(2024, 3, 1))
"""Enough for the windows of the last eight."""
SETTINGS = OptionFeaturesSettings(rank_sessions=12, min_rank_sessions=5, flow_sessions=4, realised_sessions=6)
N = NormalDist().cdf
Frames = Mapping[str, pl.DataFrame]


def frames_of(seed: int = 1, symbols: Sequence[str] = ("ABC", "XYZ")) -> Frames:
    """A market of two symbols, one of them without chains at some sessions, with smiles that change from session to session."""
    random = np.random.default_rng(seed)
    chains, bars = [], []
    for symbol in symbols:
        close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, len(DAYS))))
        for i, day in enumerate(DAYS):
            level, tilt, bend = random.uniform(0.15, 0.5), random.uniform(-0.3, 0.1), random.uniform(0.1, 0.8)
            slices = [
                Planted(
                    expiry=day + timedelta(days=after),
                    forward=close[i] * 1.001,
                    volatility=lambda k, at=(level + 0.02 * n, tilt, bend): at[0] + at[1] * k + at[2] * k * k,
                    strikes=[round(close[i]) * share for share in (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15)],
                    session=day,
                    underlying=symbol,
                )
                for n, after in enumerate((10, 38, 120))
            ]
            if symbol != "XYZ" or i % 7:
                rows = chains_of(slices, spot=close[i], half_spread=None)
                counts = random.integers(0, 200, (2, rows.height)).astype(float)
                opened = [None if random.random() < 0.1 else value for value in counts[1]]
                chains.append(rows.with_columns(volume=pl.Series(counts[0]), open_interest=pl.Series(opened)))
        prices = dict.fromkeys(("open", "high", "low", "close", "vwap"), close)
        bars.append(pl.DataFrame({"symbol": symbol, "session": DAYS, **prices, "volume": 1e6}, schema=BARS_SCHEMA))
    whole = pl.concat(chains)
    greeks = greeks_of(whole)
    return {
        "bars": pl.concat(bars),
        "corporate_actions": CORPORATE_ACTIONS_SCHEMA.to_frame(),
        "option_chains": whole,
        "greeks": greeks,
        "volatility_surface": volatility_surface(whole, greeks),
    }


@pytest.fixture(scope="module")
def frames() -> Frames:
    return frames_of()


def made(frames: Frames, sessions: Sequence[date], **changes: object) -> pl.DataFrame:
    how = {"symbols": {}, "adjust": "splits_and_dividends", "sessions_per_year": 252} | changes

    return option_features(frames, days=DAYS, sessions=sessions, settings=SETTINGS, **how)  # pyright: ignore[reportArgumentType]


def at_money(surface: pl.DataFrame, day: date, symbol: str, calendar_days: int) -> float:
    """By hand: linear in total variance between the expiries next to it."""
    rows = surface.filter(session=day, underlying=symbol, why="").sort("expiry").select("years", "atm_volatility").rows()
    wanted = calendar_days / 365
    before, after = [row for row in rows if row[0] <= wanted], [row for row in rows if row[0] > wanted]
    if before and after:
        (t, v), (u, w) = before[-1], after[0]
        return math.sqrt((v * v * t + (w * w * u - v * v * t) * (wanted - t) / (u - t)) / wanted)
    return float("nan")


def test_every_feature_is_that_of_brute_force(frames: Frames) -> None:
    """Of both symbols at the last sessions; expected from chains, greeks and smiles by plain Python."""
    sessions = DAYS[-8:]
    found = made(frames, sessions)
    assert found.schema == pl.Schema({"symbol": pl.String, "session": pl.Date} | dict.fromkeys(OPTION_FEATURES.factors, pl.Float32))
    for row in found.iter_rows(named=True):
        expected = by_hand(frames, row["symbol"], row["session"])
        told = {name: row[name] for name in OPTION_FEATURES.factors if name not in {"skew_25d", "butterfly_25d"}}
        assert told == pytest.approx(expected, rel=2e-6, abs=2e-6, nan_ok=True), (row["symbol"], row["session"])
    gaps = found.filter(pl.col("symbol") == "XYZ", pl.col("atm_volatility_30d").is_nan())
    assert gaps.height == 1  # of a session without a chain
    assert gaps.select(pl.exclude("symbol", "session")).unpivot()["value"].is_nan().all()


def by_hand(frames: Frames, symbol: str, day: date) -> dict[str, float]:
    nan = float("nan")
    here = DAYS.index(day)
    surface, bars = frames["volatility_surface"], frames["bars"]
    chain = (
        frames["option_chains"]
        .filter(underlying=symbol, session=day)
        .join(frames["greeks"].select("contract", "session", "gamma"), on=["contract", "session"])
    )
    closes = bars.filter(symbol=symbol)["close"].to_list()
    returns = np.diff(np.log(closes[here - 6 : here + 1]))
    if chain.is_empty():
        return dict.fromkeys((name for name in OPTION_FEATURES.factors if name not in {"skew_25d", "butterfly_25d"}), nan)
    month, quarter = (at_money(surface, day, symbol, n) for n in (30, 90))
    window = [at_money(surface, earlier, symbol, 30) for earlier in DAYS[here - 11 : here + 1]]
    known = [each for each in window if not math.isnan(each)]
    first = surface.filter(session=day, underlying=symbol, why="").sort("expiry").row(0, named=True)
    sums = {
        (side, what): sum(value for value in chain.filter(right=side)[what] if value is not None)
        for side in "CP"
        for what in ("volume", "open_interest")
    }
    near = chain.filter(pl.col("expiry") == chain["expiry"].min())
    pains = {
        strike: sum(
            (opened or 0) * max(strike - k if right == "C" else k - strike, 0)
            for k, right, opened in near.select("strike", "right", "open_interest").iter_rows()
        )
        for strike in near["strike"]
    }
    pain = min(pains, key=lambda strike: (pains[strike], abs(strike - closes[here]), strike))
    spot = closes[here]
    gex = sum(
        (1 if right == "C" else -1) * gamma * opened * 100 * spot * spot / 100
        for right, gamma, opened in chain.select("right", "gamma", "open_interest").iter_rows()
        if opened is not None and gamma is not None and not math.isnan(gamma)
    )
    flows = [(volume, opened) for volume, opened in chain.select("volume", "open_interest").iter_rows() if opened is not None]
    traded = (
        frames["option_chains"].filter(underlying=symbol).group_by("session").agg(pl.col("volume").sum() * pl.col("spot").first() * 100)
    )
    values = dict(traded.iter_rows())
    past = [values[earlier] for earlier in DAYS[here - 4 : here] if earlier in values]
    return {
        "atm_volatility_30d": month,
        "atm_volatility_90d": quarter,
        "term_slope": quarter - month,
        "iv_rank": (month - min(known)) / (max(known) - min(known)),
        "iv_percentile": sum(each < month for each in known[:-1]) / (len(known) - 1),
        "volatility_premium": month - returns.std(ddof=1) * math.sqrt(252),
        "expected_move": 2 * (2 * N(first["atm_volatility"] * math.sqrt(first["years"]) / 2) - 1),
        "put_call_volume": sums["P", "volume"] / sums["C", "volume"],
        "put_call_open_interest": sums["P", "open_interest"] / sums["C", "open_interest"],
        "max_pain": pain,
        "max_pain_distance": pain / spot - 1,
        "gamma_exposure": gex,
        "unusual_flow": sum(v for v, o in flows if v > o) / sum(v for v, _ in flows),
        "volume_ratio": values[day] / (sum(past) / len(past)),
    }


def test_skew_and_butterfly_by_hand() -> None:
    """One expiry 30 days ahead with a parabola that is the same in volatility at every forward: delta by a search over strikes."""
    day = DAYS[-1]

    def volatility(k: np.ndarray) -> np.ndarray:
        return 0.3 - 0.4 * k + 0.8 * k * k

    one = Planted(expiry=day + timedelta(days=30), forward=100.0, volatility=volatility, strikes=[78.0, 90.0, 101.0, 118.0], session=day)
    chains = chains_of([one], half_spread=None)
    greeks = greeks_of(chains)
    bars = pl.DataFrame(
        {"symbol": "ABC", "session": [day], **dict.fromkeys(("open", "high", "low", "close", "vwap"), 100.0), "volume": 1.0},
        schema=BARS_SCHEMA,
    )
    surface = volatility_surface(chains, greeks)
    assert surface["method"].to_list() == ["smoothed"]
    given = {
        "bars": bars,
        "corporate_actions": CORPORATE_ACTIONS_SCHEMA.to_frame(),
        "option_chains": chains,
        "greeks": greeks,
        "volatility_surface": surface,
    }
    row = made(given, [day]).row(0, named=True)
    k = np.linspace(-0.2, 0.15, 2_000_001)
    root = volatility(k) * math.sqrt(30 / 365)
    d1 = -k / root + root / 2
    put, call = (volatility(k[np.abs(d1 - NormalDist().inv_cdf(delta)).argmin()]) for delta in (0.75, 0.25))
    assert row["skew_25d"] == pytest.approx(put - call, abs=1e-6)
    assert row["butterfly_25d"] == pytest.approx((put + call) / 2 - 0.3, abs=1e-6)
    assert row["skew_25d"] > 0.04
    assert [name for name in OPTION_FEATURES.factors if math.isnan(row[name])] == [
        *("atm_volatility_90d", "term_slope", "iv_rank", "iv_percentile", "volatility_premium", "volume_ratio"),
    ]


def test_a_session_alone_is_that_of_any_range_in_any_order(frames: Frames) -> None:
    sessions = DAYS[-5:]
    whole = made(frames, sessions)
    for day in sessions:
        shuffled = {name: rows.sample(fraction=1.0, shuffle=True, seed=3) if name != "bars" else rows for name, rows in frames.items()}
        assert made(shuffled, [day]).equals(whole.filter(session=day))
    own = {name: rows.filter(pl.col("symbol" if "symbol" in rows.columns else "underlying") == "ABC") for name, rows in frames.items()}
    assert made(own, sessions).equals(whole.filter(symbol="ABC"))


def test_nothing_outside_its_windows_and_nothing_later_changes_a_session(frames: Frames) -> None:
    day = DAYS[-4]
    before = made(frames, [day])
    inside = pl.col("session").is_between(DAYS[DAYS.index(day) - 11], day)
    only = {name: rows.filter(inside) for name, rows in frames.items()}
    assert made(only, [day]).equals(before)
    later = {name: rows.filter(pl.col("session") <= day) for name, rows in frames.items()}
    assert made(later, [day]).equals(before)


def test_few_sessions_and_missing_numbers_are_nan_not_zero(frames: Frames) -> None:
    early = made(frames, DAYS[:5]).filter(symbol="ABC")
    assert early["iv_rank"].is_nan().to_list() == [True, True, True, True, False]
    assert early["iv_percentile"].is_nan().to_list() == [True, True, True, True, False]
    assert early["volume_ratio"].is_nan().to_list() == [True, True, False, False, False]
    assert early["volatility_premium"].is_nan().all()
    silent = dict(frames) | {
        "option_chains": frames["option_chains"].with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("volume", "open_interest"))
    }
    of_chains = [
        "put_call_volume",
        "put_call_open_interest",
        "max_pain",
        "max_pain_distance",
        "gamma_exposure",
        "unusual_flow",
        "volume_ratio",
    ]
    assert made(silent, DAYS[-1:]).select(of_chains).unpivot()["value"].is_nan().all()
    assert not made(frames, DAYS[-1:]).select(of_chains).unpivot()["value"].is_nan().any()


def test_roots_are_symbols_of_their_underlying_and_a_split_moves_no_ratio(frames: Frames) -> None:
    """Contracts of a root of its own, and a split 2 for 1 in the window: twice as many contracts at half the strike."""
    sessions = DAYS[-3:]
    whole = made(frames, sessions).filter(symbol="ABC")
    of_root = {
        name: rows.with_columns(underlying=pl.col("underlying").replace({"ABC": "ABCW"})) if "underlying" in rows.columns else rows
        for name, rows in frames.items()
    }
    assert made(of_root, sessions, symbols={"ABCW": "ABC"}).filter(symbol="ABC").equals(whole)
    ex = DAYS[-5]
    after = pl.col("session") >= ex
    halved = [pl.when(after).then(pl.col(name) / 2).otherwise(name).alias(name) for name in ("strike", "spot", "mark")]
    doubled = [pl.when(after).then(pl.col(name) * 2).otherwise(name).alias(name) for name in ("volume", "open_interest")]
    chains = frames["option_chains"].with_columns(*halved, *doubled)
    greeks = frames["greeks"].with_columns(gamma=pl.when(after).then(pl.col("gamma") * 2).otherwise("gamma"))
    prices = [pl.when(after).then(pl.col(name) / 2).otherwise(name).alias(name) for name in ("open", "high", "low", "close", "vwap")]
    split = {"symbol": "ABC", "session": ex, "kind": "split", "ratio": 2.0}
    actions = pl.DataFrame([split, split | {"symbol": "XYZ"}], schema=CORPORATE_ACTIONS_SCHEMA)
    surface = frames["volatility_surface"].with_columns(forward=pl.when(after).then(pl.col("forward") / 2).otherwise("forward"))
    changed = {
        "bars": frames["bars"].with_columns(prices),
        "corporate_actions": actions,
        "option_chains": chains,
        "greeks": greeks,
        "volatility_surface": surface,
    }
    found = made(changed, sessions).filter(symbol="ABC")
    same = pl.exclude("symbol", "session", "max_pain")
    np.testing.assert_allclose(found.select(same).to_numpy(), whole.select(same).to_numpy(), rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(found["max_pain"] * 2, whole["max_pain"])


def test_of_two_roots_with_one_expiry_the_smile_with_more_contracts_counts_and_their_flow_adds_up(frames: Frames) -> None:
    """The second root is the first one's chain without its highest strike, twice as dear."""
    sessions = DAYS[-2:]

    def second(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.filter(underlying="ABC").with_columns(underlying=pl.lit("ABCW"))

    chains, surface = frames["option_chains"], frames["volatility_surface"]
    of_second = second(chains).with_columns(contract=pl.lit("W") + pl.col("contract"))
    flatter = second(surface).with_columns(pl.col("contracts") - 1, pl.col("atm_volatility") * 2)
    both = dict(frames) | {"option_chains": pl.concat([chains, of_second]), "volatility_surface": pl.concat([flatter, surface])}
    found = made(both, sessions, symbols={"ABCW": "ABC"})
    whole = made(frames, sessions)
    assert found.select("symbol", "session").equals(whole.select("symbol", "session"))
    same = pl.exclude("gamma_exposure")  # of the second root there are no greeks here
    assert found.select(same).equals(whole.select(same))


def test_history_follows_the_instrument_through_a_change_of_name(frames: Frames) -> None:
    sessions, ex = DAYS[-3:], DAYS[-5]
    whole = made(frames, sessions)
    after = pl.col("session") >= ex

    def renamed(rows: pl.DataFrame) -> pl.DataFrame:
        name = "symbol" if "symbol" in rows.columns else "underlying"
        return rows.with_columns(pl.when(after & (pl.col(name) == "ABC")).then(pl.lit("NEW")).otherwise(name).alias(name))

    change = pl.DataFrame([{"symbol": "ABC", "session": ex, "kind": "name_change", "new_symbol": "NEW"}], schema=CORPORATE_ACTIONS_SCHEMA)
    found = made({name: renamed(rows) for name, rows in frames.items()} | {"corporate_actions": change}, sessions)
    assert found.filter(symbol="NEW").drop("symbol").equals(whole.filter(symbol="ABC").drop("symbol"))
