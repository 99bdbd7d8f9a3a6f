"""What tuning itself was worth: a nested walk-forward over the periods between tuning sessions.

The outer folds are the periods from one tuning session to the next. The inner tuning is the stored partition of the tuning session, which saw the window before the period alone. The model is
fitted on that window twice, with the parameters that were chosen and with its own settings, and both score the decisions of the period. The difference of their rank ICs,
session by session, is what tuning was worth; its standard error respects that outcomes overlap.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.errors import how_many
from ats_assets.evaluation import newey_west_t
from ats_assets.evaluation.edge_test import mean_error
from ats_assets.evaluation.skill_summary import EDGE_T_STATISTIC
from ats_assets.models import Model
from ats_assets.models.labelled_rows import LabelledRows, fitted_on, rank_ics, scores_at
from ats_assets.settings import ParameterValue, TrainingSettings
from ats_assets.tuning.schema import WORTH_SCHEMA


def period_worth(
    model: Model, parameters: dict[str, ParameterValue], train: LabelledRows, tested: LabelledRows, training: TrainingSettings
) -> pl.DataFrame | str:
    """The contract `TuningWorth` of one period, or why there is nothing to compare.

    Parameters
    ----------
    parameters
        That tuning chose; where it chose the model's own settings both fits are one.
    train
        The window of the tuning session, on all of which a model is fitted as training does.
    tested
        The decisions of the period.
    """
    ics: list[dict[date, float]] = []
    for one in (model.remade(parameters), model)[: 2 if parameters else 1]:
        found = fitted_on(one, train, np.arange(len(train.rows.y)), training)
        if isinstance(found, str):
            return found
        every = np.arange(len(tested.rows.y))
        ics.append(rank_ics(tested.rows, every, scores_at(one, found, tested.rows, every, threads=training.threads)))
    tuned, own = ics[0], ics[-1]
    rows = [(model.name, train.window.session, day, tuned[day], own[day]) for day in sorted(tuned.keys() & own.keys())]
    if not rows:
        return "no decision of the period could be scored by both"
    return pl.DataFrame(rows, schema=WORTH_SCHEMA, orient="row")


@dataclass(frozen=True, kw_only=True)
class WorthFigures:
    """Of one model; None where nothing could be compared.

    Attributes
    ----------
    periods
        Between tuning sessions, that have decisions of both.
    changed
        Of these, those in which tuning chose other parameters than the model's own.
    tuned, own
        Mean rank IC of each.
    worth, error
        Mean of the difference and its standard error, for outcomes that overlap.
    t_statistic
        Of the difference (`newey_west_t`).
    promised
        What the folds of the tuning had promised: the mean over the periods of the chosen trial's rank IC above that of the own settings.
    """

    model: str
    periods: int
    changed: int
    sessions: int
    tuned: float | None
    own: float | None
    worth: float | None
    error: float | None
    t_statistic: float | None
    promised: float | None

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.worth is None:
            return "not known"
        if self.t_statistic is None or abs(self.t_statistic) < EDGE_T_STATISTIC:
            return "nothing"
        return "something" if self.t_statistic > 0 else "less than nothing"

    @property
    def text(self) -> str:
        """One sentence."""
        if self.worth is None:
            return (
                f"{self.model}: what tuning was worth is not known yet: no period between tunings has decisions whose outcomes are known."
            )
        over = f"over {how_many(self.sessions, 'session')} of {how_many(self.periods, 'period')}"
        if not self.changed:
            return f"{self.model}: tuning was worth nothing: it chose the model's own settings {over}."
        error = "" if self.error is None else f" ± {self.error:.4f}"
        promised = "" if self.promised is None else f"; its folds had promised {self.promised:+.4f}"
        return (
            f"{self.model}: tuning was worth {self.worth:+.4f} rank IC{error} {over}: {self.verdict} "
            f"(tuned {self.tuned:+.4f}, own settings {self.own:+.4f}{promised})."
        )


def worth_figures(sessions: pl.DataFrame, periods: pl.DataFrame, horizon: int) -> list[WorthFigures]:
    """What the periods of each model come to, in the order in which the models come.

    Parameters
    ----------
    sessions
        The contract `TuningWorth`.
    periods
        Of the schema `PERIODS_SCHEMA`.
    horizon
        Sessions over which the outcomes of neighbouring decisions overlap.
    """
    return [
        _figures(name, sessions.filter(model=name), periods.filter(model=name), horizon)
        for name in periods["model"].unique(maintain_order=True)
    ]


def _figures(model: str, rows: pl.DataFrame, periods: pl.DataFrame, horizon: int) -> WorthFigures:
    ordered = rows.sort("session")
    judged = periods.join(rows, on="tuned_session", how="semi")["promised"].drop_nulls().to_list()
    tuned, own = (ordered[name].to_numpy() for name in ("tuned", "own"))
    gains = tuned - own
    some = len(gains) > 0
    return WorthFigures(
        model=model,
        periods=ordered["tuned_session"].n_unique(),
        changed=len(judged),
        sessions=len(gains),
        tuned=float(tuned.mean()) if some else None,
        own=float(own.mean()) if some else None,
        worth=float(gains.mean()) if some else None,
        error=mean_error(gains, horizon),
        t_statistic=newey_west_t(gains, horizon),
        promised=sum(judged) / len(judged) if judged else None,
    )
