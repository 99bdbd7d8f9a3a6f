"""The data behind it: rows that were accepted and quarantined, missing bars, and what was restated."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ats_assets.bars.gaps import missing_sessions, symbol_gaps
from ats_assets.deployment import Deployment
from ats_assets.reports.charts import Chart, Line, LinePanel, line_chart
from ats_assets.reports.formatting import day, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Pair, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

SHOWN = 10


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """Rows over time, reasons, gaps, restatements."""
    bars, rejected = inputs.of("bars"), inputs.rows.get("rejected_bars")
    if bars is None:
        return None
    sessions = inputs.sessions or bars["session"].unique().sort().to_list()  # of the backtest; without one, all that are stored
    none = missing_sessions(bars, sessions)
    gaps = symbol_gaps(bars, sessions)
    quarantined = rejected.height if rejected is not None else 0
    span = f", {bars['session'].min()} to {bars['session'].max()}," if bars.height else ""
    told = (
        f"{whole(bars.height)} bars of {whole(bars['symbol'].n_unique())} symbols in {whole(bars['session'].n_unique())} sessions{span} were accepted, "
        f"{whole(quarantined)} rows ({percent(quarantined / (bars.height + quarantined), 2)}) quarantined. "
        + (f"{len(none)} sessions have no bar at all: {_some(none)}. " if none else "Every session has bars. ")
        + f"{whole(gaps.height)} symbols lack a bar between their first and their last one, {whole(int(gaps['missing'].sum()))} bars in all."
    )
    reasons = _reasons(rejected) if rejected is not None else Table(columns=("reason", "rows"), rows=[])
    return [
        Note(text=told),
        _over_time(bars, rejected, sessions),
        Pair(
            cells=[
                [Heading(text="Quarantined rows by reason", note="A row can have several reasons."), reasons],
                [Heading(text="Missing bars", note="Between a symbol's first and last bar; a listing or delisting is none."), _gaps(gaps)],
            ]
        ),
        *_restatements(inputs),
    ]


def _some(days: Sequence[date]) -> str:
    return ", ".join(map(day, days[:SHOWN])) + (f" and {len(days) - SHOWN} more" if len(days) > SHOWN else "")


def _over_time(bars: pl.DataFrame, rejected: pl.DataFrame | None, sessions: Sequence[date]) -> Chart:
    days = pl.DataFrame({"session": sessions}, schema={"session": pl.Date})

    def counted(frame: pl.DataFrame | None) -> pl.Series:
        counts = frame.group_by("session").len() if frame is not None else pl.DataFrame(schema={"session": pl.Date, "len": pl.UInt32})
        return days.join(counts, on="session", how="left")["len"].fill_null(0)

    panels = [
        LinePanel(
            lines=[Line(name="bars accepted", values=counted(bars), tone="own", style="step")], height=110, zero=True, label="accepted"
        ),
        LinePanel(
            lines=[Line(name="rows quarantined", values=counted(rejected), tone="loss", style="step")],
            height=70,
            zero=True,
            label="quarantined",
        ),
    ]
    return line_chart("rows", "Rows by session", "", list(sessions), panels)


def _reasons(rejected: pl.DataFrame) -> Table:
    counted = (
        rejected.select(pl.col("session"), pl.col("reasons"))
        .explode("reasons")
        .drop_nulls("reasons")
        .group_by("reasons")
        .agg(pl.len(), pl.col("session").max())
    )
    rows = [(reason, whole(n), day(last)) for reason, n, last in counted.sort("len", "reasons", descending=[True, False]).iter_rows()]
    return Table(columns=("reason", "rows", "last"), rows=rows)


def _gaps(gaps: pl.DataFrame) -> Table:
    shown = gaps.head(SHOWN).select("symbol", "missing", "longest", "newest_gap")
    rows = [(symbol, whole(missing), whole(longest), day(newest)) for symbol, missing, longest, newest in shown.iter_rows()]
    return Table(columns=("symbol", "missing", "in a row", "last"), rows=rows)


def _restatements(inputs: ReportInputs) -> list[Block]:
    if inputs.knowledge is None:
        return [
            Heading(
                text="Restatements",
                note="Every session was delivered once, or each time with the same content: nothing was corrected afterwards.",
            )
        ]
    text, rows = inputs.knowledge
    table = Table(columns=("figure", "as known at each close", "on corrected history"), rows=rows)
    return [Heading(text="What was known, and what was corrected later", note=text), *([table] if rows else [])]


def reads(_: Deployment) -> tuple[str, ...]:
    """The bars, and the rows that are none."""
    return ("bars", "rejected_bars")


SECTION = ReportSection(
    title="Data",
    short="Data",
    place=100,
    make=make,
    reads=reads,
    columns={"bars": ("symbol", "session"), "rejected_bars": ("session", "reasons")},
)
