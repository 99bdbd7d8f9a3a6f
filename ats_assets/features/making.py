"""The rows of a feature family, as the asset makes them: windows that are adjusted as of each session, and that follow the instrument, not its ticker."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import identities_of, same_names
from ats_assets.expressions import Flat, compute, named_symbols
from ats_assets.features.family import FeatureFamily
from ats_assets.settings import Adjust


def features_of(
    family: FeatureFamily,
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    *,
    calendar: Sequence[date],
    sessions: Sequence[date],
    adjust: Adjust,
    flat: Flat = "relative",
) -> pl.DataFrame:
    """The features of neighbouring sessions.

    A symbol that an expression names (`Mask`) is the instrument that bears it at the row's session.

    Parameters
    ----------
    bars
        Rows of `bars`, from the look-back of the family before the first of the sessions on.
    actions
        Rows of `corporate_actions` of the same sessions but the first.
    calendar
        Every session that the bars span.
    sessions
        Those that are wanted, ascending, up to the last of the bars.
    adjust
        Which actions scale earlier prices.
    flat
        Which windows are flat; see `compute`.

    Returns
    -------
    DataFrame
        symbol, session and the family's factors (Float32), one row a bar of the sessions, in their order.
    """
    known = identities_of(actions)
    panel = known.named(bars)
    factors = adjustments(known.of_actions(actions), panel, adjust)
    named = named_symbols(family.expressions)
    parts = []
    for run in same_names(sessions, known.ex_sessions(named)):
        until = panel if run[-1] == sessions[-1] else panel.filter(pl.col("session") <= run[-1])
        bearers = {symbol: known.of(symbol, run[-1]) for symbol in named}
        parts.append(
            compute(
                until,
                family.expressions,
                sessions=calendar,
                since=run[0],
                adjustments=factors,
                bearers=bearers,
                flat=flat,
            )
        )
    return parts[0] if len(parts) == 1 else pl.concat(parts)
