"""Whether what the models have learnt still holds: each test of drift over time, what was found, and the refits that it asked for."""

from collections.abc import Sequence

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.learning.loop_history import EPISODE_SESSIONS, LoopStep, drift_episodes
from ats_assets.reports.charts import Chart, Line, LinePanel, line_chart
from ats_assets.reports.formatting import DASH, day, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

TONES = ("own", "third", "gain", "fourth", "loss", "other")
ASKED_FOR = "_refits"
"""The end of the name of an asset that holds the refits of a model that drift asked for."""
SHOWN = 20
"""Drifts and refits, the newest of each."""
READ = "Each figure is divided by what is unusual in the model's own past: above 1 it is an alarm. A line begins where the past is long enough to say."


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """For each model a picture of its tests; then what was found, and what was done about it."""
    drift = inputs.of("drift")
    if drift is None:
        return None
    names = list(drift["model"].unique(maintain_order=True))
    places = {session: place for place, session in enumerate(inputs.sessions or sorted(drift["session"].unique()))}
    found = sorted(
        (step for name in names for step in drift_episodes(drift, name, lambda first, last: places[last] - places[first])),
        key=lambda step: (step.session, step.model),
    )
    years = drift["session"].n_unique() / inputs.settings.sessions_per_year
    told = f"{whole(len(found))} {'drift was' if len(found) == 1 else 'drifts were'} found in {drift['session'].n_unique():,} sessions"
    rate = f", {len(found) / years / len(names):.2f} a year and model" if years >= 1 else ""
    return [
        Note(text=f"{told}{rate}. Alarms within {EPISODE_SESSIONS} sessions of each other are one drift."),
        *(_picture(drift.filter(model=name), name) for name in names),
        _tests(drift, names),
        *_drifts(found),
        *_refits(inputs),
    ]


def _picture(drift: pl.DataFrame, name: str) -> Chart:
    days = drift.select("session").unique().sort("session")
    tests = list(drift.select("of", "test").unique(maintain_order=True).iter_rows())
    lines = []
    for place, (of, test) in enumerate(tests):
        ratio = drift.filter(of=of, test=test).select(
            "session", value=pl.col("figure") / pl.when(pl.col("threshold") > 0).then("threshold")
        )
        values = days.join(ratio, on="session", how="left").sort("session")["value"]
        lines.append(Line(name=f"{of}: {test}", values=values, tone=TONES[place % len(TONES)]))
    unusual = Line(name="unusual", values=pl.Series([1.0] * days.height), tone="ink", style="dashed")
    panel = LinePanel(lines=[*lines, unusual], height=180, zero=True, label="figure / what is unusual")
    return line_chart(f"drift-{name}", f"Drift of {name}", READ, days["session"].to_list(), [panel])


def _tests(drift: pl.DataFrame, names: Sequence[str]) -> Table:
    """Of each test how often it could be told, how often it was an alarm, and its newest figure."""
    rows = []
    for (name, of, test), of_test in drift.group_by("model", "of", "test", maintain_order=True):
        newest, judged = of_test.row(-1, named=True), of_test.drop_nulls(["figure", "threshold"])
        rows.append(
            (
                *((str(name),) if len(names) > 1 else ()),
                str(of),
                str(test),
                whole(judged.height),
                percent(judged["alarm"].mean() if judged.height else None),  # pyright: ignore[reportArgumentType]
                DASH if newest["figure"] is None else f"{newest['figure']:.2f}",
                DASH if newest["threshold"] is None else f"{newest['threshold']:.2f}",
                newest["about"],
            )
        )
    model = ("model",) if len(names) > 1 else ()
    columns = (*model, "of", "test", "sessions judged", "with an alarm", "newest", "unusual above", "what the newest says")
    return Table(columns=columns, rows=rows, caption="Tests", text_columns=len(model) + 2, wide=-1)


def _drifts(found: Sequence[LoopStep]) -> list[Block]:
    if not found:
        return []
    rows = [(day(step.session), day(step.until) if step.until else DASH, step.model, step.why) for step in reversed(found[-SHOWN:])]
    note = f"The newest {SHOWN}." if len(found) > SHOWN else ""
    return [
        Heading(text="Drifts", note=note),
        Table(columns=("found at", "last alarm", "model", "what"), rows=rows, text_columns=4, wide=3),
    ]


def _refits(inputs: ReportInputs) -> list[Block]:
    """What drift asked for, where settings let it ask."""
    asked = sorted(
        (
            (record.session, asset.removesuffix(ASKED_FOR), record.reason or DASH)
            for asset, fits in inputs.fits.items()
            if asset.endswith(ASKED_FOR)
            for record in fits
            if record.status == "fitted"
        ),
        reverse=True,
    )
    if not asked:
        return []
    rows = [(day(session), name, reason) for session, name, reason in asked[:SHOWN]]
    return [Heading(text="Refits that drift asked for"), Table(columns=("session", "model", "why"), rows=rows, text_columns=3, wide=2)]


def reads(deployment: Deployment) -> tuple[str, ...]:
    """Nothing unless settings have a table [drift]."""
    return () if deployment.settings.drift is None else ("drift", *deployment.drift_refits.values())


SECTION = ReportSection(title="Drift", short="Drift", place=89, make=make, reads=reads)
