"""Whether the scores ordered the returns that followed: by horizon, by month, by quantile."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import QUANTILES
from ats_assets.evaluation.skill_over_time import ic_by_month, quantile_curves
from ats_assets.evaluation.skill_summary import SkillSummary, skill_summary
from ats_assets.reports.charts import BarGroup, Chart, Line, LinePanel, bar_chart, line_chart
from ats_assets.reports.formatting import DASH, MONTHS, decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, HeatMap, HeatRow, Note, Pair, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

TONES = ("own", "third", "gain", "fourth", "loss")
ROLLING_SESSIONS = 63
STRONG_IC = 0.15
"""The mean IC of a month at which the colour of a cell is full."""
EXPLAINED = (
    "IC: correlation of a session's scores with the returns that followed; rank IC: of their ranks; ICIR: mean over standard deviation of the rank IC; t: of its mean, allowing for "
    "overlapping returns (Newey-West); Q5 − Q1: return of the best fifth less that of the worst. A horizon counts from the next open."
)


def make(inputs: ReportInputs) -> Sequence[Block]:
    """The table of horizons, IC over time and by month, quantiles."""
    if "skill" not in inputs.rows:
        return [Note(text="Not judged.")]
    skill = inputs.rows["skill"]
    blocks: list[Block] = [Note(text=EXPLAINED), _table(skill_summary(skill, inputs.horizon_sessions))]
    if skill.is_empty():
        return blocks
    horizons = sorted(set(skill["horizon_sessions"]))
    main = next((h for h in horizons if h == inputs.horizon_sessions), horizons[0])
    months = ic_by_month(skill, main)
    return [
        *blocks,
        _over_time(skill, main, horizons),
        Heading(text="Mean rank IC by month", note=f"Over a horizon of {main} sessions, by the session of the decision."),
        _months(months),
        Pair(cells=[[_quantiles(skill, horizons)], [_curves(skill, horizons[0])]]),
    ]


def _table(summary: SkillSummary) -> Table:
    rows = [
        (
            f"{h.horizon_sessions}",
            whole(h.sessions),
            decimal(h.mean_ic, 4, signed=True),
            decimal(h.mean_rank_ic, 4, signed=True),
            decimal(h.icir, 3, signed=True),
            decimal(h.t_statistic, 1, signed=True),
            percent(h.positive_share, 0),
            decimal(None if h.spread is None else h.spread * 1e4, 1, signed=True),
            percent(h.turnover, 0),
            h.verdict,
        )
        for h in summary.horizons
    ]
    columns = ("horizon, sessions", "sessions", "IC", "rank IC", "ICIR", "t", "rank IC > 0", "Q5 − Q1, bp", "turnover of Q5", "verdict")
    return Table(columns=columns, rows=rows, text_columns=0)


def _over_time(skill: pl.DataFrame, main: int, horizons: Sequence[int]) -> Chart:
    days = skill.select("decision_session").unique().sort("decision_session")

    def of(horizon: int) -> pl.Series:
        return days.join(skill.filter(horizon_sessions=horizon).select("decision_session", "rank_ic"), on="decision_session", how="left")[
            "rank_ic"
        ]

    rolling = of(main).fill_null(0.0).rolling_mean(ROLLING_SESSIONS, min_samples=10)
    panels = [
        LinePanel(
            lines=[Line(name=f"mean of {ROLLING_SESSIONS} sessions, horizon {main}", values=rolling, tone="ink")],
            height=150,
            zero=True,
            label="rolling mean",
        ),
        LinePanel(
            lines=[
                Line(name=f"cumulative, horizon {h}", values=of(h).fill_null(0.0).cum_sum(), tone=tone)
                for h, tone in zip(horizons, TONES, strict=False)
            ],
            height=150,
            zero=True,
            label="cumulative",
        ),
    ]
    note = "Rank correlation of each session's scores with the returns that followed, out of sample. A steady climb is skill; a flat or jagged line is not."
    return line_chart("ic", "Rank information coefficient over time", note, days["decision_session"].to_list(), panels)


def _months(months: pl.DataFrame) -> HeatMap:
    of = {month: ic for month, ic, _ in months.iter_rows()}
    rows = []
    for year in sorted({month.year for month in of}):
        cells = [_cell(of.get(date(year, n, 1)), there=date(year, n, 1) in of) for n in range(1, 13)]
        whole_year = months.filter(pl.col("month").dt.year() == year, pl.col("rank_ic").is_not_null())
        mean = (
            float((whole_year["rank_ic"] * whole_year["sessions"]).sum()) / float(whole_year["sessions"].sum())
            if whole_year.height
            else None
        )
        rows.append(HeatRow(name=str(year), cells=[*cells, _cell(mean)]))
    return HeatMap(columns=(*MONTHS, "year"), rows=rows, caption="Mean rank IC")


def _cell(value: float | None, *, there: bool = True) -> tuple[str, float]:
    return ((DASH if there else ""), 0.0) if value is None else (decimal(value, 3, signed=True), value / STRONG_IC)


def _quantiles(skill: pl.DataFrame, horizons: Sequence[int]) -> Chart:
    names = [f"Q{q + 1}" for q in range(QUANTILES)]
    names = [f"{names[0]} worst", *names[1:-1], f"{names[-1]} best"]
    groups = []
    for h, tone in zip(horizons, TONES, strict=False):
        rows = skill.filter(horizon_sessions=h).sort("decision_session")
        means = [rows["quantile_returns"].list.get(q, null_on_oob=True).drop_nulls().mean() for q in range(QUANTILES)]
        known = [m for m in means if isinstance(m, float)]
        centre = sum(known) / len(known) if known else 0.0
        values = [(m - centre) * 1e4 if isinstance(m, float) else None for m in means]
        groups.append(BarGroup(name=f"{h} session{'s' if h > 1 else ''}", values=values, tone=tone))
    note = "Mean return over the horizon by fifth of the score, less the mean of the five. With skill the bars rise from left to right."
    return bar_chart("quantiles", "Return by quantile of the score (basis points)", note, names, groups, height=230)


def _curves(skill: pl.DataFrame, horizon: int) -> Chart:
    curves = quantile_curves(skill, horizon)
    tones = ("loss", "third", "other", "fourth", "gain")
    lines = [Line(name=f"Q{q + 1}", values=curves[f"q{q + 1}"] * 100.0, tone=tone) for q, tone in enumerate(tones)]
    lines.append(Line(name="Q5 − Q1", values=curves["spread"] * 100.0, tone="ink", style="dashed"))
    note = f"Compounded returns of each fifth over a horizon of {horizon} session{'s' if horizon > 1 else ''}, before costs, by the session of the decision."
    return line_chart(
        "quantile-curves",
        "Cumulative return by quantile (%)",
        note,
        curves["session"].to_list(),
        [LinePanel(lines=lines, height=230, unit="%", zero=True)],
    )


def reads(_: Deployment) -> tuple[str, ...]:
    """The skill of the scores."""
    return ("skill",)


SECTION = ReportSection(title="Skill of the scores", short="Skill", place=80, make=make, reads=reads)
