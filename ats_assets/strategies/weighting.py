"""Scores to signals: what to hold after each session's close, from that session's scores alone.

The target weight is ideal: the turnover limit and the no-trade band need the positions held, so they are applied when trading
(`ats_assets.portfolio.desired_weights`), by backtests and orders alike.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.errors import ContractError
from ats_assets.plugins import Needs
from ats_assets.portfolio import Method, score_ranks, target_weights, within_limits
from ats_assets.portfolio.method import RiskMethod, weighs_risk
from ats_assets.settings import PortfolioSettings
from ats_assets.strategies.risk_books import RiskBooks
from ats_assets.strategies.schema import REASONED_SCHEMA, SIGNALS_SCHEMA


class Weighting:
    """Scores to signals by the method of the settings, whether it looks at scores alone or weighs risk.

    Parameters
    ----------
    horizon_sessions
        Of the scores.
    """

    def __init__(self, method: Method | RiskMethod, settings: PortfolioSettings, horizon_sessions: int) -> None:
        self.method = method
        self._settings = settings
        self._by_score = None if weighs_risk(method) else method
        self._by_risk = RiskBooks(method, settings, horizon_sessions) if weighs_risk(method) else None

    @property
    def earlier(self) -> int:
        """How many sessions before a wanted one need scores, too."""
        return 0 if self._by_risk is None else self._by_risk.earlier

    @property
    def gives_reasons(self) -> bool:
        """Whether signals have a column `reason`."""
        return self._by_risk is not None

    def needs(self) -> tuple[Needs, ...]:
        """The windows that weights are made from, beside those of the scores."""
        return () if self._by_risk is None else self._by_risk.needs()

    def scored(self, days: Sequence[date], sessions: Sequence[date]) -> list[date]:
        """The sessions whose scores are needed, ascending."""
        return list(sessions) if self._by_risk is None else self._by_risk.chain(days, sessions)

    def signals(
        self, scores: pl.DataFrame, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]
    ) -> tuple[pl.DataFrame, dict[date, str]]:
        """The signals of sessions, and what there is to say of the book of a session.

        Parameters
        ----------
        scores
            As of `signals_from_scores`, of the sessions that `scored` names.
        frames, days, sessions
            As of `Strategy.scores`.
        """
        sized = "target_weight" in scores.columns
        wanted = scores.filter(pl.col("session").is_in(list(sessions)))
        if self._by_risk is None or sized:
            known, remarks = _with_any(wanted, "target_weight" if sized else "score")
            made = signals_from_scores(known, self._settings, self._by_score)
            return made, remarks if sized else remarks | _of_cash(made, self._settings)
        _require_unique(scores, "scores")
        weighed, remarks = self._by_risk.weighed(scores, frames, days, sessions)
        return signals_from_scores(weighed, self._settings), remarks


def _with_any(scores: pl.DataFrame, column: str) -> tuple[pl.DataFrame, dict[date, str]]:
    """The rows of sessions in which any symbol has a value, and what there is to say of the others: nothing is known there, which is no wish to sell."""
    is_known = pl.col(column).is_finite().fill_null(value=False).any().over("session")
    unknown = scores.filter(~is_known).group_by("session").len().sort("session")
    return scores.filter(is_known), {day: f"none of {n} symbols has a {column.replace('_', ' ')}" for day, n in unknown.iter_rows()}


def _of_cash(signals: pl.DataFrame, settings: PortfolioSettings) -> dict[date, str]:
    """What there is to say of sessions in which the method gives no weight to any score."""
    if not settings.max_gross or not settings.max_weight:
        return {}
    empty = signals.group_by("session").agg((pl.col("target_weight") == 0.0).all(), n=pl.col("score").is_finite().sum())
    rows = empty.filter("target_weight").sort("session").select("session", "n").iter_rows()
    return {day: f"the scores of {n} symbols choose none by {settings.method}: the book is cash" for day, n in rows}


def of_cash(scores: pl.DataFrame, left: pl.DataFrame, selected: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Signals without any weight, of those sessions in which tickers are selected and none that has a score is: nothing may be held there, which is no lack of data.

    Parameters
    ----------
    scores, left
        As of `signals_from_scores`: all, and those that may be held.
    selected
        The states of tickers.
    """
    emptied = set(sessions) & set(scores["session"]) & set(selected["session"]) - set(left["session"])
    rows = scores.filter(pl.col("session").is_in(sorted(emptied))).drop("reason", strict=False)
    weightless = rows.with_columns(target_weight=pl.lit(0.0), reason=pl.lit(None, pl.String))
    return signals_from_scores(weightless, PortfolioSettings())


def signals_from_scores(scores: pl.DataFrame, settings: PortfolioSettings, method: Method | None = None) -> pl.DataFrame:
    """Rank, direction and target weight of each score; every session on its own.

    Parameters
    ----------
    scores
        symbol, session, score, and where there are such probability, model_session, target_weight and reason; one or several sessions, in any order. With target weights no
        method is asked; they are held to the limits.
    settings
        Limits.
    method
        As in `target_weights`.

    Returns
    -------
    DataFrame
        The signals contract, with `reason` where the scores have it, sorted by (session, symbol). Rank 1 is the highest score; equal scores share a rank and a weight.

    Raises
    ------
    ContractError
        If a (session, symbol) has several scores.

    Examples
    --------
    >>> from datetime import date
    >>> scores = pl.DataFrame({"symbol": ["A", "B", "C"], "session": [date(2024, 3, 4)] * 3, "score": [0.1, 0.3, 0.2]})
    >>> signals = signals_from_scores(scores, PortfolioSettings(top_k=2, max_weight=0.5))
    >>> signals.select("symbol", "rank", "direction", "target_weight").rows()
    [('A', 3, 'flat', 0.0), ('B', 1, 'long', 0.5), ('C', 2, 'long', 0.5)]
    """
    scores = scores.sort("session", "symbol")
    _require_unique(scores, "scores")
    absent = {"probability": pl.Float64, "model_session": pl.Date}
    scores = scores.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items() if name not in scores.columns)
    parts = [_of_one_session(part, settings, method) for part in scores.partition_by("session", maintain_order=True)]
    return pl.concat(parts) if parts else pl.DataFrame(schema=_schema_of(scores))


def _of_one_session(rows: pl.DataFrame, settings: PortfolioSettings, method: Method | None) -> pl.DataFrame:
    scores = rows["score"].fill_null(float("nan")).to_numpy()
    if "target_weight" in rows.columns:
        weights = within_limits(rows["target_weight"].fill_null(0.0).to_numpy(), settings) + 0.0
    else:
        weights = target_weights(scores, settings, method) + 0.0  # no negative zeros
    return rows.with_columns(
        pl.Series("rank", score_ranks(scores)),
        pl.Series("target_weight", weights),
        pl.Series("direction", np.where(weights > 0, "long", np.where(weights < 0, "short", "flat")), dtype=pl.String),
    ).select(pl.col(name).cast(dtype) for name, dtype in _schema_of(rows).items())


def _schema_of(scores: pl.DataFrame) -> pl.Schema:
    return REASONED_SCHEMA if "reason" in scores.columns else SIGNALS_SCHEMA


def _require_unique(frame: pl.DataFrame, name: str) -> None:
    doubled = frame.filter(frame.select("session", "symbol").is_duplicated())
    if len(doubled):
        row = doubled.row(0, named=True)
        raise ContractError(f"{name}: {row['symbol']} has several rows in session {row['session']}: give one for each symbol and session")
