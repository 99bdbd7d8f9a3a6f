r"""A synthetic market: deterministic by seed, with everything that a real delivery has, and an edge of known strength.

For symbol i and session t the simple return has a part before the open (share w = 0.25 of its variance) and a part after it:

    r[i,t]   = premium + beta[i] m[t] + f[sector(i),t] + e[i,t]
    e[i,t]   = sigma[i,t] (rho z[i,t-1] + sqrt(1 - rho^2) eps[i,t])                rho = planted_ic
    z[i,t]   = phi z[i,t-1] + sqrt(1 - phi^2) u[i,t]                               phi = 2^(-1/10): a half-life of ten sessions
    sigma^2  = GARCH(1,1) with a = 0.08, b = 0.90, as for m and each f             (Bollerslev 1986)

m, f, eps and u are independent standard normal draws (m and f times 0.9% and 0.5%, the idiosyncratic volatility about 1.5% a session), which gives
volatility clusters and a cross-sectional correlation of about 0.2.

The characteristic z can be read off a bar. The total length of its two shadows is random, and z says how it is divided:

    Phi(z[i,t]) = (min(open, close) - low) / ((high - low) - |close - open|)       a long lower shadow: bought on the dip

so the correlation of z[i,t], known at the close of t, with the idiosyncratic return of t+1 is exactly `planted_ic`. z persists, so it also
predicts longer horizons: corr(z[t], e[t+1] + … + e[t+h]) is about rho (1 - phi^h) / ((1 - phi) sqrt(h)), 1.96 rho for h = 5. Within Alpha158 it
shows in KLOW2 and KUP2.

With planted_ic = 0 there is no edge: z is independent of all returns; the premium is the same for each symbol; apart from it prices are martingales
from close to open to close (each part of a return has mean zero given the past); listings, delistings, halts and splits come without regard to prices.
Rounding to the tick happens on the way out, not in the path, so it causes a reversal of only (tick / price)^2 / 12 against the variance of returns:
below 1e-4 in correlation for prices above ten. Compounding makes the median of a volatile symbol's return over h sessions lower by about
h sigma^2 / 2 than its mean: a rank correlation of volatility with the outcome below 0.01, but no mean return that could be earned.

About a tenth of the symbols list late and two percent a year vanish. A halt is one to five sessions without bars; the path goes on meanwhile.
Prices are as traded, the only thing that a source can deliver at the time: on the day of one of the rare splits (2:1, 3:1, 4:1) price and share volume
jump. The splits are delivered as corporate actions. `splits_per_year = 0` turns them off. A small share of rows is defective in ways that the
contract of bars rejects: a negative, zero or missing price, high below low, a negative volume, not a number, the same row twice.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import SyntheticSettings
from ats_assets.settings.trading_year import sessions_per_year
from ats_assets.sources.adapters.synthetic.simulated_market import SimulatedMarket, draw_market, draw_presence, stream
from ats_assets.sources.schema import MEASURES, RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA
from ats_assets.sources.session_index import SessionIndex
from ats_assets.sources.source import Capabilities

_SHARE_EDGE = 1e-3


def planted_characteristic(bars: pl.DataFrame) -> np.ndarray:
    """The planted z as anyone can read it off the bars: ndarray of shape (n_rows,), NaN where a bar has no shadows.

    Exact up to the rounding of prices to the tick.
    """
    open_, high, low, close = (bars[name].to_numpy() for name in ("open", "high", "low", "close"))
    shadows = (high - low) - np.abs(close - open_)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(shadows > 0, (np.minimum(open_, close) - low) / shadows, np.nan)
    from scipy.special import ndtri  # noqa: PLC0415 - commands that only ask what the source knows do without

    return ndtri(np.clip(share, _SHARE_EDGE, 1 - _SHARE_EDGE))


class SyntheticSource:
    """The synthetic market as a `BarSource`; the whole path is drawn once for an instance, at its first use.

    Parameters
    ----------
    settings
        Seed, size, range and strength of the edge. The bars of a session do not depend on `last_session`.
    calendar
        Its sessions from `settings.first_session` to `settings.last_session` are simulated.
    """

    def __init__(self, settings: SyntheticSettings, calendar: SessionCalendar) -> None:
        self._settings = settings
        self._calendar = calendar

    @property
    def name(self) -> str:
        """Of this source: synthetic."""
        return "synthetic"

    @property
    def capabilities(self) -> Capabilities:
        """Raw prices with vwap; fractions of a unit are traded where the calendar never closes."""
        return Capabilities(has_vwap=True, adjustment="raw", fractional_volume=self._calendar.exchange == "24/7")

    def state(self) -> str:
        """What the path follows from: while it is the same, nothing need be simulated again."""
        return f"{self._settings.model_dump_json()}:{self._calendar.exchange}:{self._calendar.first}"

    def symbols(self) -> list[str]:
        """Every symbol that has a bar, sorted."""
        return self._index.symbols

    def first_session(self) -> date:
        """The first simulated session."""
        return self._sessions[0]

    def latest_session(self) -> date:
        """The last simulated session: `last_session`, or the one before it."""
        return self._sessions[-1]

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The bars of `sessions`; see `BarSource.bars`."""
        return self._index.rows(sessions, symbols)

    def actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The splits of `sessions`; see `BarSource.actions`."""
        return self._actions.rows(sessions, symbols)

    def known_at(self, session: date) -> datetime:
        """The close of `session`, in UTC."""
        return self._calendar.closes_at(session)

    def describe(self) -> str:
        """Size, range and strength of the edge; the path is not drawn for it."""
        s, n_sessions = self._settings, len(self._sessions)
        present = draw_presence(s, n_sessions, self._sessions_per_year)
        kinds = _defect_kinds(s, n_sessions)[present]
        defective, rows = int((kinds >= 0).sum()), len(kinds) + int((kinds == len(_DEFECTS)).sum())
        return (
            f"synthetic market, seed {s.seed}: {int(present.any(axis=0).sum())} symbols, {n_sessions} sessions of {self._calendar.exchange} from "
            f"{self.first_session()} to {self.latest_session()}, {rows:,} rows, {defective:,} of them defective on purpose; "
            f"planted IC {s.planted_ic:g}; prices as traded, {s.splits_per_year:g} splits a symbol and year"
        )

    @cached_property
    def _sessions(self) -> list[date]:
        s = self._settings
        sessions = self._calendar.sessions(s.first_session, s.last_session)
        if not sessions:
            raise SourceError(
                f"source.synthetic: {self._calendar.exchange} has no session from {s.first_session} to {s.last_session} "
                f"(it is known from {self._calendar.first} to {self._calendar.last}): set first_session and last_session to a range that has some"
            )
        return sessions

    @cached_property
    def market(self) -> SimulatedMarket:
        """The path behind the bars, with what no bar shows: for tests of what can be found in it."""
        return draw_market(self._settings, len(self._sessions), self._sessions_per_year)

    @property
    def _sessions_per_year(self) -> int:
        return sessions_per_year(self._calendar.exchange) or 252

    @cached_property
    def _index(self) -> SessionIndex:
        rows = _with_defects(*self._rows(), self._settings)
        return SessionIndex(rows.select(RAW_BARS_SCHEMA.names()))

    def _rows(self) -> tuple[pl.DataFrame, np.ndarray]:
        """All bars, sorted by session and symbol, and for each the kind of its defect (-1: none)."""
        market = self.market
        t, i = np.nonzero(market.present)
        values = {name: market.bars[:, k, :][t, i] for k, name in enumerate(MEASURES)}
        if not self.capabilities.fractional_volume:
            values["volume"] = np.maximum(np.round(values["volume"]), 1.0)
        frame = self._keys(t, i).with_columns(pl.Series(name, v) for name, v in values.items())
        return frame.with_columns(defects=pl.lit(None, pl.String)), _defect_kinds(self._settings, len(self._sessions))[t, i]

    @cached_property
    def _actions(self) -> SessionIndex:
        ratios = self.market.ratios
        t, i = np.nonzero(ratios != 1)
        rows = self._keys(t, i).with_columns(pl.Series("ratio", ratios[t, i]), kind=pl.lit("split"))
        said = pl.concat_str(pl.col("ratio").cast(pl.Int64), pl.lit(" for 1"))
        missing = {name: pl.lit(None, dtype) for name, dtype in RAW_ACTIONS_SCHEMA.items() if name not in rows.columns}
        return SessionIndex(rows.with_columns(**missing | {"description": said}), RAW_ACTIONS_SCHEMA)

    def _keys(self, t: np.ndarray, i: np.ndarray) -> pl.DataFrame:
        """symbol, date and session of cells."""
        names = pl.Series("symbol", [f"SYN{k:04d}" for k in range(self._settings.symbols)])
        days = pl.Series("date", self._sessions, dtype=pl.Date).gather(t)
        return pl.DataFrame([names.gather(i), days, days.alias("session")])


_DEFECTS: tuple[tuple[str, pl.Expr], ...] = (
    ("close", -pl.col("close")),
    ("open", pl.lit(0.0)),
    ("close", pl.lit(None, pl.Float64)),
    ("high", pl.col("low") * 0.5),
    ("volume", -pl.col("volume")),
    ("low", pl.lit(float("nan"))),
)
"""A column and what a defect of that kind puts in it; the kind after the last one is the same row twice."""


def _defect_kinds(settings: SyntheticSettings, n_sessions: int) -> np.ndarray:
    """For each session and symbol the kind of its defect, -1 for none: int64 of shape (n_sessions, n_symbols)."""
    # one draw a session from one stream: the kinds of a session do not depend on how many follow
    uniform = stream(settings.seed, 4).random((n_sessions, 2, settings.symbols))
    kinds = (uniform[:, 1] * (len(_DEFECTS) + 1)).astype(np.int64)
    return np.where(uniform[:, 0] < settings.defective_share, kinds, -1)


def _with_defects(rows: pl.DataFrame, kinds: np.ndarray, settings: SyntheticSettings) -> pl.DataFrame:
    if settings.defective_share == 0:
        return rows
    kind = pl.col("kind")
    broken = rows.with_columns(kind=pl.Series(kinds))
    for k, (column, value) in enumerate(_DEFECTS):
        broken = broken.with_columns(pl.when(kind == k).then(value).otherwise(pl.col(column)).alias(column))
    twice = np.repeat(np.arange(rows.height), 1 + (kinds == len(_DEFECTS)))
    return broken.drop("kind")[twice]
