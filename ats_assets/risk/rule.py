"""What a risk rule must be able to do.

It is given the weights that are proposed for sessions, and gives those that it allows, with a reason for each that it changes. It says which windows of which assets
it reads; these end at the session and hold what was known at its close, so it can't look ahead. One that depends on how a position came about says how many sessions of past books it sees
(`past_books`): what was proposed, not what an account holds. It can add no symbol and leave none out: a symbol that is not to be
held has the weight 0.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel

from ats_assets.errors import ContractError
from ats_assets.plugins import Needs

PROPOSED_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "weight": pl.Float64})
"""What a rule is given: weights are shares of equity, negative for short."""
BOOKS: Final = "books"
"""Under which a rule that looks at past books finds them among its frames: `PROPOSED_SCHEMA`, what the rules before it have left."""
RULED_SCHEMA = pl.Schema({**PROPOSED_SCHEMA, "reason": pl.String})
"""What it gives: the same rows in the same order; the reason is null where the weight is as it was."""


class Rule(Protocol):
    """One kind of rule, with its settings."""

    settings: BaseModel

    def needs(self) -> tuple[Needs, ...]:
        """The windows that it judges a session by; none for a rule that looks at the weights alone."""
        ...

    def apply(
        self, proposed: pl.DataFrame, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]
    ) -> pl.DataFrame:
        """The weights that are allowed, each session's by itself.

        Parameters
        ----------
        proposed
            `PROPOSED_SCHEMA`, sorted by session and symbol; a session without rows is one of no opinion.
        frames
            By the name of each asset that is read, the rows of the windows of all the sessions together, or more.
        days
            Every session of the exchange from the beginning of the first window to the last of the sessions.
        sessions
            Those that are wanted, ascending.

        Returns
        -------
        polars.DataFrame
            `RULED_SCHEMA`.
        """
        ...


def past_books(rule: Rule) -> int:
    """How many sessions before its own a rule sees the books of, under the name `BOOKS` and beside those of the sessions themselves: its attribute `past_books`, 0 for a rule without one.

    Examples
    --------
    >>> from ats_assets.plugins import RISK_RULES
    >>> past_books(RISK_RULES.made("stops", {"max_sessions": 40})), past_books(RISK_RULES.made("limits", {}))
    (61, 0)
    """
    return int(getattr(rule, "past_books", 0))


def session_by_session(proposed: pl.DataFrame, judge: Callable[[pl.DataFrame, date], pl.DataFrame]) -> pl.DataFrame:
    """What is allowed of each session, judged by itself: from the rows of a session and the session to the same rows with a reason.

    Examples
    --------
    >>> empty = PROPOSED_SCHEMA.to_frame()
    >>> session_by_session(empty, lambda rows, session: all_allowed(rows)).schema == RULED_SCHEMA
    True
    """
    parts = proposed.partition_by("session", as_dict=True, maintain_order=True)
    return pl.concat([RULED_SCHEMA.to_frame(), *(judge(rows, session) for (session,), rows in parts.items())])


def all_allowed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose weights are all allowed."""
    return rows.with_columns(reason=pl.lit(None, pl.String))


def all_scaled(rows: pl.DataFrame, factor: float, why: str) -> pl.DataFrame:
    """Rows with all weights times a factor, each with the same reason.

    Examples
    --------
    >>> rows = pl.DataFrame({"symbol": ["A", "B"], "session": [None, None], "weight": [0.4, 0.0]})
    >>> all_scaled(rows, 0.5, "too wild").select("weight", "reason").rows()
    [(0.2, 'too wild'), (0.0, None)]
    """
    return rows.with_columns(weight=pl.col("weight") * factor, reason=pl.when(pl.col("weight") != 0.0).then(pl.lit(why)))


def weighed_anew(rows: pl.DataFrame, weights: NDArray[np.float64], reasons: Sequence[str | None]) -> pl.DataFrame:
    """Rows with weights of their own and a reason each; where a weight is as it was, the reason is left out."""
    made = rows.with_columns(weight=pl.Series(weights, dtype=pl.Float64), reason=pl.Series(reasons, dtype=pl.String))
    return made.with_columns(reason=pl.when(made["weight"] != rows["weight"]).then("reason"))


def ruled(name: str, proposed: pl.DataFrame, allowed: pl.DataFrame) -> pl.DataFrame:
    """What a rule allows, refused where it does not keep to its contract; the reasons begin with its name, and only weights that are others have one.

    Raises
    ------
    ContractError
        If rows or columns are others than those proposed, a weight is not finite, or a changed weight has no reason.

    Examples
    --------
    >>> from datetime import date
    >>> proposed = pl.DataFrame({"symbol": ["A"], "session": [date(2024, 1, 2)], "weight": [0.5]})
    >>> allowed = proposed.with_columns(weight=pl.lit(0.2), reason=pl.lit("too large"))
    >>> ruled("mine", proposed, allowed)["reason"].to_list()
    ['mine: too large']
    """
    if allowed.schema != RULED_SCHEMA:
        raise ContractError(f"the risk rule {name} gave the columns {dict(allowed.schema)}: give {dict(RULED_SCHEMA)}")
    keys = ["symbol", "session"]
    if not allowed.select(keys).equals(proposed.select(keys)):
        raise ContractError(
            f"the risk rule {name} gave other rows than those proposed: give each (symbol, session) once, in the same order"
        )
    moved = allowed["weight"].ne_missing(proposed["weight"])
    for wrong, what in (
        (~allowed["weight"].is_finite().fill_null(value=False), "a weight that is not finite"),
        (moved & allowed["reason"].is_null(), "another weight without a reason"),
    ):
        if wrong.any():
            row = allowed.filter(wrong).row(0, named=True)
            raise ContractError(f"the risk rule {name} gave {row['symbol']} at {row['session']} {what}")
    told = pl.when(moved).then(pl.format("{}: {}", pl.lit(name), "reason"))
    positive_zero = pl.when(pl.col("weight") == 0.0).then(0.0).otherwise("weight")
    return allowed.with_columns(weight=positive_zero, reason=told)
