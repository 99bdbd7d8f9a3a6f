"""A simulated equity market, session by session: the model behind the synthetic source. The formulas are in `ats_assets/sources/adapters/synthetic/source.py`.

The path is drawn forward in time from one random stream and each step is arithmetic on arrays of shape (n_symbols,), so the first n sessions of a longer
path are bit for bit the path of n sessions.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ats_assets.settings import SyntheticSettings

Floats: TypeAlias = NDArray[np.float64]

OVERNIGHT_SHARE = 0.25
"""Share of a session's return variance that falls between the previous close and the open."""
PREMIUM = 0.06
"""Expected return of every symbol a year: the same for all, so that it is no cross-sectional edge."""
MARKET_VOLATILITY, SECTOR_VOLATILITY, IDIOSYNCRATIC_VOLATILITY = 0.009, 0.005, 0.015
GARCH_SHOCK, GARCH_MEMORY = 0.08, 0.90
CHARACTERISTIC_HALF_LIFE = 10.0
LATE_LISTING_SHARE, LATE_LISTING_SESSIONS = 0.10, 504
DELISTINGS_PER_YEAR, DELISTING_AFTER_SESSIONS = 0.02, 126
MAX_MOVE = 0.4
"""Each part of a return is cut off here, on both sides: prices stay positive and the mean stays where it is."""


@dataclass(frozen=True, kw_only=True)
class SimulatedMarket:
    """A simulated path.

    Attributes
    ----------
    bars
        Float64 array of shape (n_sessions, 6, n_symbols): open, high, low, close, volume, vwap as traded (unadjusted, rounded to the tick).
    present
        Boolean array of shape (n_sessions, n_symbols): listed, and not halted.
    ratios
        Float64 array of shape (n_sessions, n_symbols): what one share of the session before has become, 1 but for a split of a listed symbol.
    characteristic, idiosyncratic
        Float64 arrays of shape (n_sessions, n_symbols): z, and the idiosyncratic part of the session's return in units of its own volatility.
    """

    bars: Floats
    present: NDArray[np.bool_]
    ratios: Floats
    characteristic: Floats
    idiosyncratic: Floats


@dataclass(frozen=True, kw_only=True)
class _Cast:
    """What stays the same over a path, each of shape (n_symbols,)."""

    beta: Floats
    sector: NDArray[np.int64]
    volatility: Floats
    price: Floats
    log_dollar_volume: Floats
    listed_from: NDArray[np.int64]


def stream(seed: int, purpose: int) -> np.random.Generator:
    """A random stream of its own for each purpose, so that a new use of randomness leaves the others as they are."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed % 2**64, purpose])))


def draw_market(settings: SyntheticSettings, n_sessions: int, sessions_per_year: int) -> SimulatedMarket:
    """Draw the path of the first `n_sessions` sessions; deterministic by `settings.seed`. Rates are for a year of so many sessions."""
    from scipy.special import ndtr  # noqa: PLC0415 - commands that only ask what the source knows do without

    n = settings.symbols
    cast, draw, events = _cast(settings.seed, n), stream(settings.seed, 1), _Events(settings, sessions_per_year)
    n_sectors = int(cast.sector.max()) + 1
    shape = (n_sessions, n)
    out = SimulatedMarket(
        bars=np.empty((n_sessions, 6, n)),
        present=np.empty(shape, dtype=bool),
        ratios=np.empty(shape),
        characteristic=np.empty(shape),
        idiosyncratic=np.empty(shape),
    )
    shares = np.array([[OVERNIGHT_SHARE], [1 - OVERNIGHT_SHARE]])
    phi, rho = 0.5 ** (1 / CHARACTERISTIC_HALF_LIFE), settings.planted_ic
    variance = [np.ones(1), np.ones(n_sectors), np.ones(n)]
    price, activity, z = cast.price, np.zeros(n), stream(settings.seed, 2).standard_normal(n)
    for t in range(n_sessions):
        market, sector = (_two_parts(draw.standard_normal((2, k))) for k in (1, n_sectors))
        own = np.sqrt(1 - rho * rho) * _two_parts(draw.standard_normal((2, n))) + rho * z * shares
        noise = draw.standard_normal((5, n))
        z = phi * z + np.sqrt(1 - phi * phi) * noise[0]
        activity = 0.9 * activity + 0.15 * noise[1]
        own_volatility = cast.volatility * np.sqrt(variance[2])
        parts = (
            cast.beta * (MARKET_VOLATILITY * np.sqrt(variance[0]) * market)
            + (SECTOR_VOLATILITY * np.sqrt(variance[1]) * sector)[:, cast.sector]
            + own_volatility * own
        )
        gap, day = np.clip(parts, -MAX_MOVE, MAX_MOVE) + PREMIUM / sessions_per_year * shares
        multiple = events.step(t, cast.listed_from)
        quoted = price / multiple
        shadows = np.minimum(own_volatility * np.exp(0.3 * noise[2]), 0.5)
        out.bars[t, :4] = prices = _prices(quoted * (1 + gap), quoted * (1 + gap) * (1 + day), shadows, ndtr(z))
        # four decimals can't leave [low, high], whose decimals are as many or fewer
        out.bars[t, 5] = vwap = np.round(prices[2] + ndtr(noise[3]) * (prices[1] - prices[2]), 4)
        surprise = np.minimum(np.abs(gap + day) / own_volatility, 6.0)
        out.bars[t, 4] = np.exp(cast.log_dollar_volume + activity + 0.25 * surprise + 0.3 * noise[4]) / vwap
        out.present[t], out.ratios[t] = events.present, events.ratios
        out.characteristic[t], out.idiosyncratic[t] = z, own.sum(axis=0)
        price = price * (1 + gap) * (1 + day)
        variance = [_garch(h, x.sum(axis=0)) for h, x in zip(variance, (market, sector, own), strict=True)]
    return out


def draw_presence(settings: SyntheticSettings, n_sessions: int, sessions_per_year: int) -> NDArray[np.bool_]:
    """`SimulatedMarket.present` alone, a hundred times as fast: listings and halts are drawn without regard to prices."""
    listed_from, events = _cast(settings.seed, settings.symbols).listed_from, _Events(settings, sessions_per_year)
    present = np.empty((n_sessions, settings.symbols), dtype=bool)
    for t in range(n_sessions):
        events.step(t, listed_from)
        present[t] = events.present
    return present


def _cast(seed: int, n: int) -> _Cast:
    draw = stream(seed, 0)
    normal, uniform = draw.standard_normal((4, n)), draw.random((2, n))
    late = uniform[0] < LATE_LISTING_SHARE
    return _Cast(
        beta=np.clip(1 + 0.25 * normal[0], 0.3, 1.7),
        sector=np.arange(n) % max(1, min(8, n // 8)),
        volatility=IDIOSYNCRATIC_VOLATILITY * np.exp(0.2 * np.clip(normal[1], -2.5, 2.5)),
        price=60 * np.exp(0.5 * normal[2]),
        log_dollar_volume=17 + normal[3],
        listed_from=np.where(late, 1 + (uniform[1] * LATE_LISTING_SESSIONS).astype(np.int64), 0),
    )


def _two_parts(normal: Floats) -> Floats:
    """A unit-variance shock as its overnight and intraday parts: shape (2, k)."""
    return normal * np.sqrt(np.array([[OVERNIGHT_SHARE], [1 - OVERNIGHT_SHARE]]))


def _garch(variance: Floats, shock: Floats) -> Floats:
    """The next relative variance; its long-run mean is 1. Bollerslev (1986)."""
    return (1 - GARCH_SHOCK - GARCH_MEMORY) + variance * (GARCH_SHOCK * shock * shock + GARCH_MEMORY)


def _prices(open_: Floats, close: Floats, shadows: Floats, lower_share: Floats) -> Floats:
    """Open, high, low and close to the tick, shape (4, n_symbols); `shadows` is the length of both together, relative to the body's bottom."""
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    length = shadows * bottom
    return np.stack([_to_tick(price) for price in (open_, top + (1 - lower_share) * length, bottom - lower_share * length, close)])


def _to_tick(price: Floats) -> Floats:
    """A cent from one unit of currency on, a hundredth of a cent below (SEC Rule 612)."""
    return np.where(price >= 1, np.round(price, 2), np.maximum(np.round(price, 4), 0.0001))


class _Events:
    """Listings, delistings, halts and splits, drawn without regard to prices and returns: none of them can be an edge."""

    def __init__(self, settings: SyntheticSettings, sessions_per_year: int) -> None:
        n = settings.symbols
        self._draw = stream(settings.seed, 3)
        self._halt_rate = settings.halts_per_year / sessions_per_year
        self._split_rate = settings.splits_per_year / sessions_per_year
        self._delisting_rate = DELISTINGS_PER_YEAR / sessions_per_year
        self._delisted, self._halted = np.zeros(n, dtype=bool), np.zeros(n, dtype=np.int64)
        self._shares_each = np.ones(n)
        self.present = np.zeros(n, dtype=bool)
        self.ratios = np.ones(n)

    def step(self, t: int, listed_from: NDArray[np.int64]) -> Floats:
        """Go on to session `t`; returns how many shares one share of the start has become, shape (n_symbols,)."""
        uniform = self._draw.random((5, len(listed_from)))
        self._delisted |= (uniform[0] < self._delisting_rate) & (t >= listed_from + DELISTING_AFTER_SESSIONS)
        starts = (self._halted == 0) & (uniform[1] < self._halt_rate)
        self._halted = np.where(starts, 1 + (uniform[2] * 5).astype(np.int64), np.maximum(self._halted - 1, 0))
        ratios = np.array([2.0, 2.0, 3.0, 4.0])[(uniform[4] * 4).astype(np.int64)]
        splits = uniform[3] < self._split_rate
        self._shares_each = np.where(splits, self._shares_each * ratios, self._shares_each)
        self.ratios = np.where(splits & (t > listed_from) & ~self._delisted, ratios, 1.0)
        self.present = (t >= listed_from) & ~self._delisted & (self._halted == 0)
        return self._shares_each
