"""Performance by regime: what the account earned in sessions before which the market was in each state, and the filtered probabilities over time.

The state is that of the close before, as it was known then: what a session earned is told by a state that could have been traded on.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.backtests.metrics import Floats
from ats_assets.deployment import Deployment
from ats_assets.regimes.choosing import regimes
from ats_assets.reports.charts import Chart, Line, LinePanel, line_chart
from ats_assets.reports.formatting import decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Pair, Table
from ats_assets.reports.regime_figures import NamedStates, performance_by_state, states_of
from ats_assets.reports.report_section import ReportInputs, ReportSection

ENDING = "_sessions_in_state"
TONES = ("own", "third", "loss", "fourth", "other", "gain", "ink", "own")


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """Of each asset of regimes: a table by state, the moves between states, and a chart."""
    found = {asset: rows for asset, rows in inputs.rows.items() if any(column.endswith(ENDING) for column in rows.columns)}
    blocks: list[Block] = []
    for asset, rows in found.items():
        blocks += [*([Heading(text=asset)] if len(found) > 1 else []), *_of(asset, rows, inputs)]
    return blocks or None


def _of(asset: str, rows: pl.DataFrame, inputs: ReportInputs) -> list[Block]:
    name = next(column.removesuffix(ENDING) for column in rows.columns if column.endswith(ENDING))
    found = states_of(name, rows)
    if found is None:
        return [
            Note(text=f"{asset}: no regime was known in these sessions; the first estimation takes [regimes.{name}] min_train_sessions.")
        ]
    days, used = found.shares["session"].to_list(), found.used
    values, of_symbols, states = found.shares.drop("session").to_numpy(), found.of_symbols, found.states
    chart = _chart(asset, days, values, used, of_symbols=of_symbols)
    if of_symbols:
        return [Note(text="Each symbol has a regime of its own; the chart shows the mean of their probabilities."), chart]
    return [
        Note(text=TOLD),
        _performance(found, inputs),
        Pair(cells=[[_moves(states, days, used)], [_stays(states, days, used)]]),
        chart,
    ]


TOLD = (
    "Sessions by the state that was the most likely one at the close before, as it was known then: probabilities are filtered, never smoothed. "
    "States are in the order of their variance, the calmest is 0, and are matched from estimation to estimation."
)


def _performance(found: NamedStates, inputs: ReportInputs) -> Table:
    rows = [
        (
            one.regime,
            whole(one.sessions),
            percent(one.share),
            percent(one.annual_return, 1, signed=True),
            percent(one.volatility),
            decimal(one.sharpe),
            percent(one.benchmark_return, 1, signed=True),
            percent(one.benchmark_volatility),
            decimal(one.benchmark_sharpe),
            percent(one.worst, 2, signed=True),
        )
        for one in performance_by_state(found, inputs.result.equity, inputs.settings)
    ]
    columns = (
        "regime",
        "sessions",
        "share",
        "return a year",
        "volatility",
        "Sharpe",
        "benchmark",
        "its volatility",
        "its Sharpe",
        "worst session",
    )
    return Table(columns=columns, rows=rows, caption="Account and benchmark by regime")


def _moves(states: dict[date, float], days: Sequence[date], used: Sequence[int]) -> Table:
    """How often a state was followed by each state in the next session."""
    path = [int(states[day]) for day in days]
    counts = np.zeros((max(used) + 1, max(used) + 1))
    np.add.at(counts, (path[:-1], path[1:]), 1.0)
    rows = []
    for k in used:
        total = counts[k].sum()
        rows.append((f"state {k}", *(percent(counts[k, j] / total if total else None) for j in used)))
    return Table(columns=("from", *(f"to state {j}" for j in used)), rows=rows, caption="Moves from session to session")


def _stays(states: dict[date, float], days: Sequence[date], used: Sequence[int]) -> Table:
    path = pl.DataFrame({"state": [int(states[day]) for day in days]})
    runs = path.with_columns(run=pl.col("state").rle_id()).group_by("run").agg(pl.col("state").first(), pl.len().alias("sessions"))
    rows = []
    for k in used:
        own = runs.filter(state=k)["sessions"]
        mean = own.mean()
        rows.append((f"state {k}", whole(len(own)), decimal(mean if isinstance(mean, float) else None, 1), whole(own.max())))
    return Table(columns=("regime", "stays", "mean sessions", "longest"), rows=rows, caption="Stays")


def _chart(asset: str, days: Sequence[date], values: Floats, used: Sequence[int], *, of_symbols: bool) -> Chart:
    lines = [Line(name=f"state {k}", values=values[:, k] * 100.0, tone=TONES[k], style="band") for k in used]
    what = "Mean of the filtered probabilities of all symbols" if of_symbols else "Filtered probabilities"
    return line_chart(
        f"regimes-{asset}", "Regimes (%)", f"{what} at each close.", days, [LinePanel(lines=lines, height=160, unit="%", zero=True)]
    )


def reads(deployment: Deployment) -> tuple[str, ...]:
    """The regimes of the settings."""
    return tuple(deployment.of(regimes))


SECTION = ReportSection(title="Performance by regime", short="Regimes", place=45, make=make, reads=reads, is_of_trading=True)
