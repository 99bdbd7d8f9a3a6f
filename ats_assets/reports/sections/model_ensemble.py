"""The ensemble: the weights of its models over time, how much these say the same, and what combining them has added, out of sample."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.evaluation import mean_error
from ats_assets.predictions.model_evidence import JudgedDecision, judged_decisions, mean_correlation
from ats_assets.reports.charts import Chart, Line, LinePanel, line_chart
from ats_assets.reports.formatting import DASH, decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, HeatMap, HeatRow, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.settings import ENSEMBLE

WEIGHTS, RETURNS, SCORES = "ensemble_weights", "forward_returns", "_predictions"
NEWEST = 756
"""Sessions that models are compared over."""
TONES = ("own", "third", "fourth", "gain", "loss", "ink", "other")


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """The weights as bands, a row for each model beside the ensemble, and the correlations."""
    weights = inputs.of(WEIGHTS)
    if weights is None:
        return None
    names = weights["model"].unique(maintain_order=True).to_list()
    newest = weights.filter(session=weights["session"].max())
    told = f"Newest weights: {'; '.join(f'{name} {percent(weight, 0)} ({reason})' for name, weight, reason in newest.select('model', 'weight', 'reason').iter_rows())}."
    return [Note(text=told), _chart(weights, names), *_compared(inputs, weights, names)]


def _chart(weights: pl.DataFrame, names: Sequence[str]) -> Chart:
    wide = weights.pivot(on="model", index="session", values="weight").sort("session")
    lines = [Line(name=name, values=wide[name] * 100.0, tone=TONES[i % len(TONES)], style="band") for i, name in enumerate(names)]
    note = "Learnt at refit sessions from what was known there; of models without scores the others have the weight."
    return line_chart(
        "ensemble-weights",
        "Weights in the ensemble (%)",
        note,
        wide["session"].to_list(),
        [LinePanel(lines=lines, height=160, unit="%", zero=True)],
    )


def _compared(inputs: ReportInputs, weights: pl.DataFrame, names: Sequence[str]) -> list[Block]:
    """What is known of decisions at which the ensemble and every model with scores there were judged."""
    asked = [*names, ENSEMBLE]
    frames = {name: rows for name in asked if (rows := inputs.of(f"{name}{SCORES}")) is not None}
    outcomes = inputs.of(RETURNS)
    if len(frames) < len(asked) or outcomes is None or inputs.horizon_sessions is None:
        return []
    decisions = judged_decisions(frames, outcomes.filter(horizon_sessions=inputs.horizon_sessions))
    ics = np.array([one.rank_ic for one in decisions]).reshape(-1, len(asked))
    shared = ics[~np.isnan(ics).any(axis=1)]
    if len(shared) < 2:
        return [Note(text="The ensemble and its models have not been judged at the same decisions yet.")]
    means = dict(weights.group_by("model").agg(pl.col("weight").mean()).iter_rows())
    newest = dict(weights.filter(session=weights["session"].max()).select("model", "weight").iter_rows())
    return [
        *_skills(shared, names, means, newest, inputs.horizon_sessions),
        Heading(text="How much the models say the same", note=ALIKE),
        _correlations(decisions, asked),
    ]


ALIKE = "Mean correlation of the ranks of scores within a session. What is nearly 1 adds nothing to the other."


def _skills(ics: np.ndarray, names: Sequence[str], means: Mapping[str, float], newest: Mapping[str, float], horizon: int) -> list[Block]:
    own = ics[:, -1]
    rows = []
    series = [*((name, ics[:, i]) for i, name in enumerate(names)), ("mean of the models", ics[:, :-1].mean(axis=1)), (ENSEMBLE, own)]
    for name, values in series:
        gain = own - values
        of_ensemble = name == ENSEMBLE
        rows.append(
            (
                name,
                percent(newest.get(name)),
                percent(means.get(name)),
                decimal(float(values.mean()), 4, signed=True),
                decimal(mean_error(values, horizon), 4),
                DASH if of_ensemble else decimal(float(gain.mean()), 4, signed=True),
                DASH if of_ensemble else decimal(mean_error(gain, horizon), 4),
            )
        )
    best = int(np.argmax(ics[:, :-1].mean(axis=0)))
    gains = {"the best of its models": own - ics[:, best], "their mean": own - ics[:, :-1].mean(axis=1)}
    told = " and by ".join(
        f"{decimal(float(gain.mean()), 4, signed=True)} (± {decimal(mean_error(gain, horizon), 4)}) from {what}"
        for what, gain in gains.items()
    )
    columns = ("", "weight now", "mean weight", "rank IC", "±", "ensemble adds", "±")
    return [
        Note(
            text=f"Over {whole(len(ics))} decisions, all of them out of sample, the ensemble's mean rank IC differs by {told}. The best is {names[best]}, chosen with hindsight. "
            "Standard errors are of paired differences and allow for the overlap of outcomes."
        ),
        Table(columns=columns, rows=rows, caption="The ensemble beside its models"),
    ]


def _correlations(decisions: Sequence[JudgedDecision], names: Sequence[str]) -> HeatMap:
    found = mean_correlation(decisions)
    rows = [
        HeatRow(name=name, cells=[(DASH, 0.0) if np.isnan(value) else (decimal(float(value)), float(value)) for value in row])
        for name, row in zip(names, found, strict=True)
    ]
    return HeatMap(columns=names, rows=rows, caption="Correlation of scores", apart=0)


def reads(deployment: Deployment) -> tuple[str, ...]:
    """The weights, the scores of the ensemble and of its models, and what came of them."""
    named = deployment.settings.ensemble_models
    return (WEIGHTS, *(f"{name}{SCORES}" for name in (*named, ENSEMBLE)), RETURNS) if named else ()


def enough(deployment: Deployment) -> Mapping[str, int]:
    """The newest sessions of scores and outcomes."""
    return dict.fromkeys((asset for asset in reads(deployment) if asset != WEIGHTS), NEWEST)


SECTION = ReportSection(title="Ensemble", short="Ensemble", place=91, make=make, reads=reads, newest=enough)
