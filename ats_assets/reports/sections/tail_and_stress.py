"""Tail risk by four estimates and from session to session, crises and shocks, factor exposures, correlation of what is held, capacity."""

from collections.abc import Mapping, Sequence

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.reports.charts import Line, LinePanel, line_chart
from ats_assets.reports.formatting import DASH, day, decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, HeatMap, HeatRow, Note, Pair, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.risk_analysis.capacity import break_even_of
from ats_assets.risk_analysis.rolling_risk import kupiec_probability

TABLES = ("tail_estimates", "rolling_tail", "stress", "factor_exposures", "held_correlations", "capacity")


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """What `monte_carlo` holds beside its paths."""
    tables = inputs.tables.get("monte_carlo", {})
    if not set(TABLES) <= tables.keys() or tables["tail_estimates"].is_empty():
        return None
    blocks: list[Block] = [_tails(tables["tail_estimates"]), *_rolling(tables), *_stress(tables["stress"])]
    return [
        *blocks,
        Pair(cells=[_exposures(tables["factor_exposures"]), _capacity(tables["capacity"])]),
        *_correlations(tables["held_correlations"]),
    ]


def _tails(estimates: pl.DataFrame) -> Table:
    levels = estimates["tail"].unique(maintain_order=True).to_list()
    rows = []
    for estimate in estimates["estimate"].unique(maintain_order=True):
        own = {tail: (risk, short) for tail, risk, short in estimates.filter(estimate=estimate).drop("estimate").iter_rows()}
        rows.append((estimate, *(percent(value, 2, signed=True) for tail in levels for value in own[tail])))
    heads = [text for tail in levels for text in (f"VaR {percent(1.0 - tail, 0)}", f"CVaR {percent(1.0 - tail, 0)}")]
    return Table(columns=("estimate", *heads), rows=rows, caption="Value at risk and expected shortfall of a session")


def _rolling(tables: Mapping[str, pl.DataFrame]) -> list[Block]:
    known = tables["rolling_tail"].filter(pl.col("value_at_risk").is_not_null())
    if known.is_empty():
        return [Note(text="The history is too short for value at risk from session to session.")]
    tail = tables["tail_estimates"]["tail"][0]
    exceeded = int(known["exceeded"].sum())
    chance = kupiec_probability(exceeded, known.height, tail)
    note = (
        f"Forecast of each session from those before it. {whole(exceeded)} of {whole(known.height)} sessions fell short, {percent(exceeded / known.height)} "
        f"where {percent(tail)} should: Kupiec's test gives p = {decimal(chance, 3)}."
    )
    lines = [
        Line(name="return", values=known["account_return"] * 100.0, tone="other"),
        Line(name=f"value at risk, {percent(1.0 - tail, 0)}", values=known["value_at_risk"] * 100.0, tone="loss"),
    ]
    return [
        line_chart(
            "rolling-value-at-risk",
            "Value at risk from session to session (%)",
            note,
            known["session"].to_list(),
            [LinePanel(lines=lines, height=180, unit="%", zero=True)],
        )
    ]


def _stress(stress: pl.DataFrame) -> list[Block]:
    crises = [
        (r["name"], day(r["first"]), day(r["last"]), *(percent(r[name], 1, signed=True) for name in ("account", "benchmark", "drawdown")))
        for r in stress.filter(kind="history").iter_rows(named=True)
    ]
    shocked = [(r["name"], percent(r["account"], 1, signed=True)) for r in stress.filter(kind="shock").iter_rows(named=True)]
    found: list[Block] = [Heading(text="Stress")]
    if crises:
        columns = ("crisis", "from", "to", "account", "benchmark", "drawdown")
        found.append(Table(columns=columns, rows=crises, text_columns=3, caption="Crises in this history, from close to close"))
    else:
        found.append(Note(text="No crisis of the list lies wholly in this history."))
    return [*found, Table(columns=("shock, at once", "account"), rows=shocked, caption="Shocks to what is held now")]


def _exposures(exposures: pl.DataFrame) -> list[Block]:
    if exposures.is_empty():
        return [Note(text="Factor exposures take 60 sessions with all factors.")]
    rows = [
        (r["factor"], decimal(r["exposure"], 5 if r["factor"] == "alpha" else 3, signed=True), decimal(r["t_statistic"], 1, signed=True))
        for r in exposures.iter_rows(named=True)
    ]
    rows.append(("R²", decimal(exposures["r_squared"][0]), DASH))
    return [Table(columns=("factor", "exposure", "t"), rows=rows, caption="Exposures to factors of this universe (alpha: a session)")]


def _capacity(capacity: pl.DataFrame) -> list[Block]:
    if capacity.is_empty():
        return [Note(text="No capacity was asked for.")]
    rows = [
        (whole(r["capital"]), percent(r["impact_a_year"], 2), _no_less_than_all(r["annual_return"]), percent(r["large_share"]))
        for r in capacity.iter_rows(named=True)
    ]
    capital = break_even_of(capacity)
    told = "" if capital is None else f"Impact takes all of the return at a capital of {whole(capital)}."
    table = Table(
        columns=("capital", "impact a year", "return less impact", "above a tenth of volume"),
        rows=rows,
        text_columns=0,
        caption="Capacity, by the model of market impact (without one by the square-root law)",
    )
    return [table, *([Note(text=told)] if told else [])]


def _no_less_than_all(annual_return: float | None) -> str:
    return percent(None if annual_return is None else max(-1.0, annual_return), 1, signed=True)


def _correlations(found: pl.DataFrame) -> list[Block]:
    names = found["symbol"].unique(maintain_order=True).to_list()
    if len(names) < 2:
        return []
    value = {(one, other): correlation for one, other, correlation in found.iter_rows()}
    rows = [
        HeatRow(
            name=one, cells=[(decimal(value.get((one, other))), 0.0 if one == other else value.get((one, other)) or 0.0) for other in names]
        )
        for one in names
    ]
    title = "Correlation of the largest positions, over a year"
    return [Heading(text=title), HeatMap(columns=names, rows=rows, caption=title, apart=0)]


def tables(deployment: Deployment) -> dict[str, tuple[str, ...]]:
    """Those of `monte_carlo`, where the settings name it."""
    return {"monte_carlo": TABLES} if deployment.settings.monte_carlo is not None else {}


SECTION = ReportSection(title="Tail risk and stress", short="Risk", place=46, make=make, tables=tables, is_of_trading=True)
