"""What the label of each decision counts in a fit, stored at the session from which it is known (López de Prado, Advances in Financial Machine Learning, 2018, chapter 4).

Labels that overlap share what happened in the sessions that they share, and a model that counts each as one takes a few events for many. The span of a label is half-open,
[decided, known), in sessions, per instrument; see `labels.label_spans`.

    uniqueness   the mean over the span of 1 / (labels whose span holds the session)
    returns      |the sum over the span of the return from close to close / (labels whose span holds the session)|

A label overlaps labels that were decided after it, and are known after it. Let L be the number of sessions after which a label is known at the latest: those that overlap a label of
decision d are known at d + 2L - 1. The weight is stored there, and not before: it is exact, and no later partition changes it. A fit that leaves out what it must (the labels that are
not known yet, and those purged before validation) learns from no decision that is newer.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import INSTRUMENT, identities_of
from ats_assets.labels.daily_volatility import daily_returns
from ats_assets.labels.label import positions
from ats_assets.labels.label_spans import credited_returns, uniqueness
from ats_assets.labels.price_panel import Floats, factor_matrix, price_panel
from ats_assets.labels.schema import SAMPLE_WEIGHTS_SCHEMA
from ats_assets.settings import Adjust, KnownAfter, SampleWeighting

SAMPLE_WEIGHTS = "sample_weights"
"""The name of the asset."""


def weighed_after(known: KnownAfter) -> int:
    """How many sessions after its decision the weight of a label is known.

    Examples
    --------
    >>> weighed_after(KnownAfter(first=6, last=6))
    11
    """
    return 2 * known.last - 1


def sample_weights(  # noqa: PLR0917 - as `label.labels_known_at`
    outcomes: pl.DataFrame,
    bars: pl.DataFrame | None,
    actions: pl.DataFrame,
    days: Sequence[date],
    sessions: Sequence[date],
    known: KnownAfter,
    *,
    by: SampleWeighting,
    adjust: Adjust = "splits_and_dividends",
) -> pl.DataFrame:
    """The weights that become known at each of `sessions`.

    Parameters
    ----------
    outcomes
        symbol, session (at whose close it was known), decision_session, one row for each symbol and decision: those that became known in the 2 * `known.last` - 1 sessions up to each of the sessions, or more.
    bars
        symbol, session, close, volume of the same sessions and the one before, for weights by returns; a session without a bar before it has no return.
    actions
        The contract of corporate actions, of the same sessions: instruments are followed through changes of name.
    days
        Sessions of the exchange without a gap, from the decision of the first label on to the last of the sessions.
    sessions
        Those that are wanted, each one of `days`.
    known
        How long after a decision a label is known.

    Returns
    -------
    polars.DataFrame
        The contract `SampleWeights`, sorted by (session, symbol).

    Raises
    ------
    CalendarError
        If one of `sessions`, or of the labels', is not one of `days`.
    """
    position = positions(days, sessions)
    labels = outcomes.select("symbol", known="session", session="decision_session").sort("session", "symbol")
    positions(days, [*labels["known"].unique(), *labels["session"].unique()])
    names = identities_of(actions)
    labels = names.named(labels)
    decided, until = (labels[name].replace_strict(position, return_dtype=pl.Int64).to_numpy() for name in ("session", "known"))
    codes = labels[INSTRUMENT].rank("dense").to_numpy().astype(np.int64)
    unique = uniqueness(decided, until, codes)
    weights = unique
    if by == "returns" and bars is not None:
        named = names.named(bars)
        steps = close_to_close(named, adjustments(names.of_actions(actions), named, adjust), days, position)
        weights = np.abs(_credited_by_instrument(labels[INSTRUMENT], decided, until, steps))
    after = weighed_after(known)
    made = labels.select("symbol", decision_session="session").with_columns(
        session=pl.Series(decided + after), uniqueness=pl.Series(unique), weight=pl.Series(weights)
    )
    wanted = {position[session]: session for session in sessions}
    found = made.filter(pl.col("session").is_in(list(wanted)))
    shown = found.with_columns(pl.col("session").replace_strict(wanted, return_dtype=pl.Date))
    return shown.select(pl.col(name).cast(dtype) for name, dtype in SAMPLE_WEIGHTS_SCHEMA.items()).sort("session", "symbol")


def close_to_close(bars: pl.DataFrame, factors: pl.DataFrame, days: Sequence[date], position: dict[date, int]) -> dict[str, Floats]:
    """Instrument -> at each place the log return from that session's close to the next one's, of shape (n_sessions,); NaN where there is none."""
    panel = price_panel(bars, days, ("close",))
    returns = np.log1p(daily_returns(panel, factor_matrix(factors, panel, position)))
    return {one: np.append(returns[1:, j], np.nan) for j, one in enumerate(panel.series)}


def _credited_by_instrument(
    instruments: pl.Series, decided: NDArray[np.int64], until: NDArray[np.int64], steps: dict[str, Floats]
) -> Floats:
    found = np.zeros(len(instruments))
    rows = pl.DataFrame({"instrument": instruments}).with_row_index("row")
    for (instrument,), group in rows.group_by("instrument", maintain_order=True):
        own = group["row"].to_numpy()
        if (returns := steps.get(str(instrument))) is not None:
            found[own] = credited_returns(decided[own], until[own], returns)
    return found
