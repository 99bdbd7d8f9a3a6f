"""Who was champion when, beside the rank IC of each candidate, and why it changed."""

from collections.abc import Sequence

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.predictions.candidates import candidates
from ats_assets.predictions.champions.title_history import title_changes
from ats_assets.reports.charts import Chart, Line, LinePanel, line_chart
from ats_assets.reports.formatting import DASH, day, decimal
from ats_assets.reports.page_blocks import Block, Heading, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

TONES = ("own", "third", "gain", "fourth", "loss", "ink", "other")
ROLLING_SESSIONS = 63
SHOWN = 20
"""Changes, the newest."""


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """The picture, the candidates as they stand now, and the changes."""
    champion, skill = inputs.of("champion"), inputs.of("skill")
    if champion is None:
        return None
    if skill is not None:  # before the first decision nobody predicted, and a champion was a name
        champion = champion.filter(pl.col("session") >= skill["decision_session"].min())
    names = list(champion["model"].unique(maintain_order=True))
    changes = title_changes(champion)
    newest = champion.filter(pl.col("session") == pl.col("session").max())
    told = (
        f"{len(changes) - 1} changes of champion in {champion['session'].n_unique():,} sessions."
        if len(changes) != 2
        else "1 change of champion."
    )
    return [
        Note(text=f"Of several models the champion's predictions are traded. {told}"),
        _picture(champion, inputs.of("model_skill"), names),
        Heading(text=f"Candidates at {day(newest['session'][0])}", note="Rank IC: of the window that champions are chosen by."),
        Table(
            columns=("model", "champion", "why", "sessions", "rank IC"),
            rows=[
                (
                    row["model"],
                    "yes" if row["is_champion"] else "",
                    row["reason"],
                    f"{row['judged_sessions']}",
                    decimal(row["rank_ic"], 4, signed=True),
                )
                for row in newest.iter_rows(named=True)
            ],
            text_columns=3,
            wide=2,
        ),
        Heading(text="Changes", note=f"The newest {SHOWN}." if len(changes) > SHOWN else ""),
        Table(
            columns=("session", "before", "champion", "why"),
            rows=[
                (day(session), before or DASH, model, reason)
                for session, before, model, reason in changes.tail(SHOWN).reverse().iter_rows()
            ],
            text_columns=4,
            wide=3,
        ),
    ]


def _picture(champion: pl.DataFrame, skill: pl.DataFrame | None, names: Sequence[str]) -> Chart:
    days = champion.select("session").unique().sort("session")
    if skill is None:
        note, label = "Above the mean rank IC that each model was judged by at its last refit session; below who was champion.", "rank IC"
        values = {name: _at(days, champion.filter(model=name), "rank_ic") for name in names}
    else:
        note = f"Above the mean rank IC of {ROLLING_SESSIONS} sessions, by the session at which it was known; below who was champion."
        label = f"rank IC, mean of {ROLLING_SESSIONS} sessions"
        values = {name: _at(days, skill.filter(model=name), "rank_ic").rolling_mean(ROLLING_SESSIONS, min_samples=10) for name in names}
    lines = [Line(name=name, values=values[name], tone=TONES[i % len(TONES)]) for i, name in enumerate(names)]
    held = [
        Line(
            name=f"{name} is champion",
            values=_at(days, champion.filter(model=name), "is_champion").fill_null(value=0.0),
            tone=TONES[i % len(TONES)],
            style="band",
        )
        for i, name in enumerate(names)
        if champion.filter(model=name)["is_champion"].any()
    ]
    panels = [LinePanel(lines=lines, height=180, zero=True, label=label), LinePanel(lines=held, height=36, label="champion", ticks=False)]
    return line_chart("champions", "Champions", note, days["session"].to_list(), panels)


def _at(days: pl.DataFrame, rows: pl.DataFrame, column: str) -> pl.Series:
    return (
        days.join(rows.select("session", column).unique("session", keep="last"), on="session", how="left")
        .sort("session")[column]
        .cast(pl.Float64)
    )


def reads(deployment: Deployment) -> tuple[str, ...]:
    """Nothing where there is one model."""
    if not deployment.of(candidates):
        return ()
    return ("champion", "model_skill") if deployment.settings.takes_promotions else ("champion",)


SECTION = ReportSection(title="Champions", short="Champions", place=84, make=make, reads=reads)
