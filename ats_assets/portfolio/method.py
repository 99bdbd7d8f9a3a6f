"""What a portfolio method must be able to do: from the scores of one session to the shape of a book.

`target_weights` scales the shape to `portfolio.max_gross` and applies the limits. A method of the first form is not told the symbols, so equal scores get equal weights (decision 23); one of
the second, which weighs risk, is given what their past tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from typing_extensions import TypeIs

Floats = NDArray[np.float64]


class Method(Protocol):
    """One way from scores to weights, with its settings."""

    settings: BaseModel

    def weights(self, scores: Floats) -> Floats:
        """The shape of the book.

        Parameters
        ----------
        scores
            ndarray of shape (n_symbols,), of one session, ascending, those that are not finite last; higher is better.

        Returns
        -------
        ndarray of shape (n_symbols,)
            Negative for short; the absolute values sum to 1, or to less where no more weight can be given. A score that is not finite gets no weight and does not count.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The symbols of one session, sorted by name, and what was known of them at its close.

    Attributes
    ----------
    session
        Whose groups hold.
    scores, probabilities
        Of shape (n_symbols,); NaN where there is none. A probability is that of beating the session's median over the horizon.
    values
        By the name of each of the method's expressions, of shape (n_sessions, n_symbols) up to the session itself; NaN where there is none.
    held
        Weights that trading begins with, as shares of the shape: those of the session before, as they have drifted since; None where a book begins.
    exposures
        By the name of each of the method's `exposures`, of shape (n_symbols,); NaN where there is none.
    """

    session: date
    symbols: tuple[str, ...]
    scores: Floats
    probabilities: Floats
    values: Mapping[str, Floats]
    horizon_sessions: int
    held: Floats | None = None
    exposures: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WeighedBook:
    """The shape of a book of shape (n_symbols,), as `Method.weights`, and what is to be said about it: a fallback that was taken.

    Where there is none that may be held, `has_opinion` is False: there are no signals, and the remark says why; what comes of that is said where the strategies are known.
    """

    weights: Floats
    remark: str = ""
    has_opinion: bool = True


class RiskMethod(Protocol):
    """One way from scores and the past of the symbols to weights."""

    settings: BaseModel
    lookback_sessions: int
    """How many sessions of values it sees, the session's own among them."""
    follows: bool
    """Whether it starts from what it wanted the session before, since the first session of the month."""

    def expressions(self) -> Mapping[str, str]:
        """What it sees of each symbol and session: a name and an expression over adjusted bars."""
        ...

    def book(self, candidates: Candidates) -> WeighedBook:
        """The book of a session."""
        ...


def nothing_chosen(scored: int, places: int) -> str:
    """What is said where scores say nothing: more symbols than places, all with the same score.

    Examples
    --------
    >>> nothing_chosen(30, 10)
    'the scores of 30 symbols are all equal, which chooses none for 10 places: the book is cash'
    """
    return f"the scores of {scored} symbols are all equal, which chooses none for {places} places: the book is cash"


def exposures_of(method: RiskMethod) -> Mapping[str, tuple[str, str]]:
    """What a method asks of stored assets for each symbol of a session: a name, and an asset and its column; the attribute `exposures`, nothing for a method without one."""
    return getattr(method, "exposures", {})


def weighs_risk(method: Method | RiskMethod) -> TypeIs[RiskMethod]:
    """Whether a method is of the second form."""
    return hasattr(method, "book")


def places(scores: Floats, k: int) -> Floats:
    """The share of a place that each score gets of k places, which go to the best: 1, 0, or less than 1 where equal scores share what is left.

    Examples
    --------
    >>> places(np.array([1.0, 2.0, 2.0, 3.0]), 2).tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    finite = np.isfinite(scores)
    ordered = np.sort(scores[finite])
    below, upto = (np.searchsorted(ordered, scores[finite], side=side) for side in ("left", "right"))
    equal = upto - below
    shares = np.zeros(len(scores))
    shares[finite] = np.clip(k - (len(ordered) - upto), 0, equal) / equal
    return shares
