"""What became known of several models at each decision: the rank IC of each, and how much their scores are alike.

Both are found session by session, from the rows of that session alone, in the order of their symbols: so they have the same bits whatever range is computed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.errors import LookAheadError
from ats_assets.evaluation.session_statistics import centred, session_ranks
from ats_assets.predictions.ensemble_rule import Floats


@dataclass(frozen=True, kw_only=True)
class JudgedDecision:
    """What the outcomes of one decision say of the models; NaN where one has no scores, or where scores or outcomes are constant or of fewer than 3 symbols.

    Attributes
    ----------
    known, decided
        The session at whose close the outcomes were known, and that of the decision.
    rank_ic, correlation
        Of shape (n_models,), as `skill` has it, and of shape (n_models, n_models): over the symbols that have an outcome and a score of every model that has any there.
    """

    known: date
    decided: date
    rank_ic: Floats
    correlation: Floats


def judged_decisions(predictions: Mapping[str, pl.DataFrame], outcomes: pl.DataFrame) -> list[JudgedDecision]:
    """The decisions whose outcomes are given, by the session at which they were known.

    Parameters
    ----------
    predictions
        By the name of each model, its rows of the contract `Predictions`.
    outcomes
        The contract `ForwardReturns`, of one horizon.

    Raises
    ------
    LookAheadError
        If a score was made by a model that was fitted at its session or after: it was not out of sample.
    """
    for name, frame in predictions.items():
        if not (inside := frame.filter(pl.col("model_session") >= pl.col("session"))).is_empty():
            raise LookAheadError(
                f"the predictions of {name} at {inside['session'][0]} come from a model fitted at {inside['model_session'][0]}: "
                "that is not out of sample; materialise them again"
            )
    return list(_judged(predictions, outcomes))


def _judged(predictions: Mapping[str, pl.DataFrame], outcomes: pl.DataFrame) -> Iterator[JudgedDecision]:
    names = [f"score_{i}" for i in range(len(predictions))]
    wide = outcomes.select("symbol", "forward_return", known="session", session="decision_session")
    for name, frame in zip(names, predictions.values(), strict=True):
        scores = frame.select("symbol", "session", pl.col("score").fill_nan(None).alias(name))
        wide = wide.join(scores, on=["symbol", "session"], how="left", maintain_order="left")
    scored = wide.filter(~pl.all_horizontal(pl.col(names).is_null())).sort("known", "session", "symbol")
    for (known, decided), rows in scored.group_by("known", "session", maintain_order=True):
        ics, alike = _figures(rows.select("forward_return", *names).to_numpy().T)
        yield JudgedDecision(known=known, decided=decided, rank_ic=ics, correlation=alike)  # pyright: ignore[reportArgumentType]


def _figures(values: Floats) -> tuple[Floats, Floats]:
    """Rank ICs and correlations of outcomes (the first row) and the scores of the models (the others), of shape (n_models + 1, n_symbols)."""
    there = ~np.isnan(values).all(axis=1)
    common = ~np.isnan(values[there]).any(axis=0)
    found = np.full((len(values), len(values)), np.nan)
    ranked = centred(session_ranks(np.ascontiguousarray(values[there][:, common])))
    product = np.einsum("ik,jk->ij", ranked.values, ranked.values) / (ranked.norm[:, None] * ranked.norm[None, :])
    found[np.ix_(there, there)] = np.clip(product, -1.0, 1.0)
    return found[0, 1:], found[1:, 1:]


def mean_correlation(decisions: Sequence[JudgedDecision]) -> Floats:
    """How much the models' scores are alike in the mean of the decisions, of shape (n_models, n_models); NaN where two never had scores together."""
    found = np.array([one.correlation for one in decisions])
    count = (~np.isnan(found)).sum(axis=0)
    return np.divide(np.nansum(found, axis=0), count, out=np.full(found.shape[1:], np.nan), where=count > 0)


def correlation_table(models: Sequence[str], decisions: Sequence[JudgedDecision]) -> str:
    """The same as a table in Markdown, with the number of decisions."""
    found = mean_correlation(decisions)
    lines = [f"| {len(decisions)} decisions | {' | '.join(models)} |", "| --- |" + " ---: |" * len(models)]
    for name, row in zip(models, found, strict=True):
        lines.append(f"| {name} | {' | '.join('–' if np.isnan(value) else f'{value:+.2f}' for value in row)} |")
    return "\n".join(lines)
