"""What is expected of a return, and how far past returns lay from what had been expected, in the symbol's own scale.

Of decision d, with what was known at its close:

    expected = a + b x,    scale = root mean square of the symbol's returns

x is the score's place in its session (`predictions.calibration_curves`), a and b are the least squares over the outcomes that became known in the last `scale_sessions` sessions, of
all symbols; the scale is over the same sessions, or that of all symbols where a symbol has too few. The error of an outcome is (return - expected) / scale. Errors of neighbouring
sessions overlap, and those of one session have the market in common: the intervals allow for that by adapting, not by assuming anything of them.

All of a session depends on its own window alone, summed up in a fixed order, so that it has the same bits whatever else is computed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from math import fsum, sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.settings import ConfidenceSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What was known of returns at a session: the line, the scale of each instrument by its place, and that of all."""

    intercept: float
    slope: float
    scales: Floats
    """NaN where an instrument has too few outcomes."""
    scale: float

    def expected(self, x: Floats) -> Floats:
        """The expected return at centred percentiles."""
        return self.intercept + self.slope * x

    def scale_of(self, instruments: NDArray[np.int64]) -> Floats:
        """The scale of each instrument."""
        own = self.scales[instruments]
        return np.where(own > 0.0, own, self.scale)


@dataclass(frozen=True, kw_only=True)
class JudgedReturns:
    """The outcomes that became known at one session, by symbol."""

    decision: int
    instruments: NDArray[np.int64]
    x: Floats
    returns: Floats

    @cached_property
    def sums(self) -> tuple[float, ...]:
        """The sums of return, x, x * x, x * return and return * return, each exact before it is rounded."""
        parts = (self.returns, self.x, self.x * self.x, self.x * self.returns, self.returns * self.returns)
        return tuple(fsum(part.tolist()) for part in parts)


class PastErrors:
    """The expectations of decisions and the errors of known outcomes, each computed once.

    Parameters
    ----------
    judged
        By the place of the session at which they became known, the outcomes of decisions.
    instruments
        How many there are.
    settings
        The windows.
    """

    def __init__(self, judged: Mapping[int, Sequence[JudgedReturns]], instruments: int, settings: ConfidenceSettings) -> None:
        self._judged = judged
        self._instruments = instruments
        self._settings = settings
        self._expectations: dict[int, Expectation | None] = {}
        self._errors: dict[int, Floats] = {}
        self._outcomes_of = {one.decision: one for of_session in judged.values() for one in of_session}

    def expectation(self, place: int) -> Expectation | None:
        """What was known of returns at a session; None before there are outcomes, and where none moved."""
        if place not in self._expectations:
            self._expectations[place] = self._estimated(place)
        return self._expectations[place]

    def known_at(self, place: int) -> Floats:
        """The errors of the outcomes that became known at a session."""
        if place not in self._errors:
            parts = [error for one in self._judged.get(place, ()) if (error := self._error(one)) is not None]
            self._errors[place] = np.concatenate([np.empty(0), *parts])
        return self._errors[place]

    def calibration(self, place: int) -> Floats:
        """The errors of the outcomes that became known in the sessions that end at a place; fewer at the start of history."""
        first = max(0, place - self._settings.calibration_sessions + 1)
        return np.concatenate([self.known_at(one) for one in range(first, place + 1)])

    def decided_of(self, place: int) -> list[int]:
        """The places of the decisions whose outcomes became known at a session."""
        return [one.decision for one in self._judged.get(place, ())]

    def of_decision(self, place: int) -> Floats:
        """The errors of a decision's outcomes, whenever they became known."""
        one = self._outcomes_of.get(place)
        error = None if one is None else self._error(one)
        return np.empty(0) if error is None else error

    def _error(self, one: JudgedReturns) -> Floats | None:
        told = self.expectation(one.decision)
        return None if told is None else (one.returns - told.expected(one.x)) / told.scale_of(one.instruments)

    def _estimated(self, place: int) -> Expectation | None:
        first = max(0, place - self._settings.scale_sessions + 1)
        window = [one for at in range(first, place + 1) for one in self._judged.get(at, ())]
        n = sum(len(one.returns) for one in window)
        total, x, xx, xr, whole = (fsum(one.sums[i] for one in window) for i in range(5))
        if n < 2 or not whole > 0.0:
            return None
        squares, counts = np.zeros(self._instruments), np.zeros(self._instruments)
        for one in window:
            squares[one.instruments] += one.returns * one.returns
            counts[one.instruments] += 1.0
        spread = xx - x * x / n
        slope = (xr - x * total / n) / spread if spread > 1e-9 else 0.0
        enough = counts >= self._settings.min_scale_outcomes
        scales = np.sqrt(np.divide(squares, counts, out=np.full(self._instruments, np.nan), where=enough))
        return Expectation(intercept=(total - slope * x) / n, slope=slope, scales=scales, scale=sqrt(whole / n))


def judged_outcomes(
    predictions: pl.DataFrame, outcomes: pl.DataFrame, days: Sequence[date], instruments: Mapping[str, int]
) -> dict[int, list[JudgedReturns]]:
    """The outcomes of predictions by the place at which they became known, in the order of their decisions and symbols.

    Parameters
    ----------
    predictions
        symbol, session, instrument, x.
    outcomes
        symbol, known, session (of the decision), forward_return, of one horizon.
    days
        Consecutive sessions; what became known, or was decided, at another one is left out, and so is what became known of a decision after its first outcomes.
    instruments
        The place of each.
    """
    position = {day: i for i, day in enumerate(days)}
    rows = outcomes.join(predictions.select("symbol", "session", "instrument", "x"), on=["symbol", "session"], how="inner")
    rows = rows.filter(pl.col("forward_return").is_finite()).select(
        "symbol",
        "x",
        "forward_return",
        at=pl.col("known").replace_strict(position, default=None, return_dtype=pl.Int64),
        of=pl.col("session").replace_strict(position, default=None, return_dtype=pl.Int64),
        who=pl.col("instrument").replace_strict(instruments, return_dtype=pl.Int64),
    )
    rows = rows.drop_nulls(["at", "of"]).filter(pl.col("at") == pl.col("at").min().over("of")).sort("at", "of", "symbol")
    at, of, who, x, returns = (rows[name].to_numpy() for name in ("at", "of", "who", "x", "forward_return"))
    bounds = [0, *(np.flatnonzero((np.diff(at) != 0) | (np.diff(of) != 0)) + 1).tolist(), rows.height]
    found: dict[int, list[JudgedReturns]] = {}
    for first, end in pairwise(bounds if rows.height else ()):
        part = slice(first, end)
        found.setdefault(int(at[first]), []).append(
            JudgedReturns(decision=int(of[first]), instruments=who[part], x=x[part], returns=returns[part])
        )
    return found
