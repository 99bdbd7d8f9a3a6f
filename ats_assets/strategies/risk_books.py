"""Books of methods that weigh risk: what they see of each symbol's past, session by session.

A method that follows starts each session from its book of the session before, as it has drifted since; the chain begins anew at the first session of a month, so that a session that is made alone
is made from a bounded window.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.errors import ContractError
from ats_assets.plugins import Needs
from ats_assets.portfolio import within_limits
from ats_assets.portfolio.method import Candidates, RiskMethod, exposures_of
from ats_assets.portfolio.optimised_book import RETURN
from ats_assets.settings import PortfolioSettings
from ats_assets.strategies.price_rows import PLACE, PriceRows

Floats = NDArray[np.float64]
MONTH: Final = 31
"""Sessions of a month, at most."""


class RiskBooks:
    """The books of sessions.

    Parameters
    ----------
    horizon_sessions
        Of the scores.
    """

    def __init__(self, method: RiskMethod, settings: PortfolioSettings, horizon_sessions: int) -> None:
        self._method, self._settings, self._horizon = method, settings, horizon_sessions
        self._rows = PriceRows("portfolio", method.expressions(), history=method.lookback_sessions - 1 + self.earlier)

    @property
    def earlier(self) -> int:
        """How many sessions before a wanted one have books, too."""
        return MONTH - 1 if self._method.follows else 0

    def needs(self) -> tuple[Needs, ...]:
        """The windows that books are made from, beside those of the scores; `earlier` sessions before are read of each."""
        exposed = dict.fromkeys(asset for asset, _ in exposures_of(self._method).values())
        return (*(one for one in self._rows.needs() if one.asset != "universe"), *(Needs(asset=one, back=self.earlier) for one in exposed))

    def chain(self, days: Sequence[date], sessions: Sequence[date]) -> list[date]:
        """The sessions whose scores are needed: those that are wanted, and where the method follows those since the first session of the first one's month."""
        first = sessions[0]
        since = [day for day in days if day < first and (day.year, day.month) == (first.year, first.month)]
        return [*since, *sessions] if self._method.follows else list(sessions)

    def weighed(
        self, scores: pl.DataFrame, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]
    ) -> tuple[pl.DataFrame, dict[date, str]]:
        """Scores with target weights, and what there is to say about the book of a session.

        Parameters
        ----------
        scores
            symbol, session, score, perhaps probability and model_session, of the sessions of `chain`.
        frames, days, sessions
            As of `Strategy.scores`.

        Returns
        -------
        DataFrame
            The rows of `sessions`, sorted by session and symbol, with target_weight, and the remark as `reason`; none of a session without a book that may be held.

        Raises
        ------
        ContractError
            If the method gives another number of weights than it was given symbols, or one that is not finite.
        """
        chain = self.chain(days, sessions)
        panel = _Panel(self._rows.rows(frames, days, chain), days, list(self._method.expressions()))
        parts, remarks, held = [], dict[date, str](), dict[str, float]()
        wanted = set(sessions)
        by_session = scores.sort("session", "symbol").partition_by("session", as_dict=True)
        for before, day in zip([None, *chain], chain, strict=False):
            if not self._method.follows or before is None or (day.year, day.month) != (before.year, before.month):
                held = {}
            rows = by_session.get((day,))
            if rows is None:
                continue
            weights, remark, held = self._of_one_session(rows, panel, day, held, self._exposures(rows, frames, day))
            if day in wanted:
                told = pl.lit(remark or None, pl.String).alias("reason")
                parts += [] if weights is None else [rows.with_columns(pl.Series("target_weight", weights), told)]
                remarks |= {day: remark} if remark else {}
        empty = scores.head(0).with_columns(pl.lit(None, pl.Float64).alias("target_weight"), pl.lit(None, pl.String).alias("reason"))
        return (pl.concat(parts) if parts else empty), remarks

    def _exposures(self, rows: pl.DataFrame, frames: Mapping[str, pl.DataFrame], day: date) -> dict[str, Floats]:
        """What the method asks of stored assets, of the symbols of a session."""
        found: dict[str, Floats] = {}
        for name, (asset, column) in exposures_of(self._method).items():
            of_day = frames[asset].filter(session=day).select("symbol", pl.col(column).cast(pl.Float64).alias("value"))
            values = rows.select("symbol").join(of_day, on="symbol", how="left", validate="1:1", maintain_order="left")
            found[name] = _column(values, "value")
        return found

    def _of_one_session(
        self, rows: pl.DataFrame, panel: "_Panel", day: date, held: Mapping[str, float], exposures: Mapping[str, Floats]
    ) -> tuple[Floats | None, str, dict[str, float]]:
        symbols = tuple(rows["symbol"])
        known, values = panel.values(symbols, day, self._method.lookback_sessions)
        moved = values[RETURN][-1] if RETURN in values else np.zeros(len(symbols))
        drifted = np.array([held.get(one, 0.0) for one in known]) * (1.0 + np.where(np.isfinite(moved), moved, 0.0))
        book = self._method.book(
            Candidates(
                session=day,
                symbols=symbols,
                scores=rows["score"].fill_null(float("nan")).to_numpy(),
                probabilities=_column(rows, "probability"),
                values=values,
                horizon_sessions=self._horizon,
                held=drifted if held else None,
                exposures=exposures,
            )
        )
        if not book.has_opinion:  # what is held stays, and drifts
            return None, book.remark, {one: float(weight) for one, weight in zip(known, drifted, strict=True) if weight}
        if book.weights.shape != (len(symbols),) or not np.isfinite(book.weights).all():
            raise ContractError(
                f"the portfolio method {type(self._method).__name__} must give a finite weight for each of {len(symbols)} symbols"
            )
        kept = {one: float(weight) for one, weight in zip(known, book.weights, strict=True) if weight}
        return within_limits(book.weights * self._settings.max_gross, self._settings) + 0.0, book.remark, kept


class _Panel:
    """The values of each expression, of shape (n_sessions, n_instruments)."""

    def __init__(self, rows: pl.DataFrame, days: Sequence[date], names: Sequence[str]) -> None:
        self._place = {day: i for i, day in enumerate(days)}
        self._instruments = rows[INSTRUMENT].unique().sort()
        self._column = {one: i for i, one in enumerate(self._instruments)}
        at = rows[PLACE].to_numpy(), self._instruments.search_sorted(rows[INSTRUMENT]).to_numpy()
        self._values = {name: np.full((len(days), len(self._instruments)), np.nan) for name in names}
        for name, matrix in self._values.items():
            matrix[at] = rows[name].fill_null(float("nan")).to_numpy()
        self._named = {(symbol, day): one for symbol, day, one in rows.select("symbol", "session", INSTRUMENT).iter_rows()}

    def values(self, symbols: Sequence[str], day: date, sessions: int) -> tuple[list[str], dict[str, Floats]]:
        """Who the symbols of a session are, and their values over the last sessions up to it; NaN before history, and of a symbol without a bar at the session."""
        known = [self._named.get((symbol, day), f"no bar of {symbol}") for symbol in symbols]
        columns = np.array([self._column.get(one, -1) for one in known], dtype=np.intp)
        end = self._place[day] + 1
        found = {}
        for name, matrix in self._values.items():
            window = np.full((sessions, len(symbols)), np.nan)
            part = matrix[max(0, end - sessions) : end]
            if len(columns) and part.size:
                window[sessions - len(part) :] = np.where(columns >= 0, part[:, columns], np.nan)
            found[name] = window
        return known, found


def _column(rows: pl.DataFrame, name: str) -> Floats:
    return rows[name].fill_null(float("nan")).to_numpy() if name in rows.columns else np.full(rows.height, np.nan)
