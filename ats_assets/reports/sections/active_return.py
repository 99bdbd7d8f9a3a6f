"""Why the account's return is not its universe's: groups that it held more of, symbols within them, trading, costs (Brinson)."""

from collections.abc import Sequence

import polars as pl

from ats_assets.active_returns.active_tables import CASH
from ats_assets.active_returns.schema import BESIDE, EFFECTS, SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.reports.charts import BarGroup, Line, LinePanel, bar_chart, line_chart
from ats_assets.reports.formatting import DASH, percent
from ats_assets.reports.page_blocks import Block, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

TABLES = tuple(SCHEMAS)
TONES = ("own", "third", "fourth", "other", "loss")
SHOWN_PERIODS = 12
"""The newest, beside all."""
READ = (
    "Allocation: groups that more, or less, was held of than the universe has. Selection: symbols within groups. Interaction: both at once. Trading: what trades within a "
    "session earned beside what was held at the close before. Effects of sessions are linked, so that they sum to the difference of the compounded returns."
)


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """What `active_return` holds: over all, by group, and over time."""
    tables = inputs.tables.get("active_return", {})
    if not set(TABLES) <= tables.keys() or tables["periods"].is_empty():
        return None
    periods = tables["periods"]
    whole = periods.filter(period="all").row(0, named=True)
    told = (
        f"The account made {percent(whole['account'], 1, signed=True)} and the universe {percent(whole['benchmark'], 1, signed=True)}: "
        f"{percent(whole['active'], 1, signed=True)} between them."
    )
    return [
        Note(text=told),
        Note(text=READ),
        _over_time(tables["sessions"]),
        _groups(tables["groups"]),
        _bars(tables["groups"]),
        _periods(periods),
    ]


def _over_time(sessions: pl.DataFrame) -> Block:
    """Effects so far, as plain sums: for a look; the tables are linked."""
    lines = [
        Line(name=name, values=100 * sessions[name].cum_sum(), tone=tone) for name, tone in zip((*EFFECTS, *BESIDE), TONES, strict=True)
    ]
    panel = LinePanel(lines=lines, height=200, unit="%", zero=True)
    return line_chart(
        "active-return", "Effects so far", "Sums of the sessions' effects, not compounded.", sessions["session"].to_list(), [panel]
    )


def _groups(groups: pl.DataFrame) -> Table:
    rows = [
        (
            row["group"],
            percent(row["weight"], 1),
            percent(row["benchmark_weight"], 1),
            DASH if row["group"] == CASH else percent(row["account"], 1, signed=True),
            DASH if row["group"] == CASH else percent(row["benchmark"], 1, signed=True),
            *(percent(row[name], 2, signed=True) for name in (*EFFECTS, "active")),
        )
        for row in groups.filter(period="all").iter_rows(named=True)
        if row["weight"] or row["benchmark_weight"]
    ]
    columns = ("group", "weight", "universe's", "return", "universe's return", *EFFECTS, "together")
    return Table(columns=columns, rows=rows, caption="By group, over all sessions (weights: means)")


def _bars(groups: pl.DataFrame) -> Block:
    shown = groups.filter((pl.col("period") == "all") & (pl.col("active") != 0)).sort("active", descending=True)
    values = [100 * value for value in shown["active"].to_list()]
    group = BarGroup(name="effect", values=values, tone="gain", below="loss")
    return bar_chart(
        "active-groups",
        "What each group brought",
        "Allocation, selection and interaction together.",
        shown["group"].to_list(),
        [group],
        unit="%",
        height=150,
    )


def _periods(periods: pl.DataFrame) -> Table:
    newest = pl.concat([periods.head(-1).tail(SHOWN_PERIODS), periods.tail(1)])
    named = ("account", "benchmark", "active", *EFFECTS, *BESIDE)
    rows = [(row["period"], *(percent(row[name], 2, signed=True) for name in named)) for row in newest.iter_rows(named=True)]
    return Table(columns=("period", "account", "universe", "active", *EFFECTS, *BESIDE), rows=rows, caption="By period")


def tables(deployment: Deployment) -> dict[str, tuple[str, ...]]:
    """Those of `active_return`, where the settings name groups."""
    return {"active_return": TABLES} if deployment.settings.active_return is not None else {}


SECTION = ReportSection(title="Return over the universe", short="Active return", place=56, make=make, tables=tables, is_of_trading=True)
