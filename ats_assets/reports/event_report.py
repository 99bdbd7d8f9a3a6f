"""The report of models of events: what they find, what their trades come to, and of what all was made. Its bytes depend on its input alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ats_assets.evaluation.event_skill import reliability
from ats_assets.evaluation.trial_selection import Selection
from ats_assets.events.event_backtest import EventBacktest, EventBacktests
from ats_assets.events.event_figures import EventFigures, standard_error_bps
from ats_assets.reports.charts import BarGroup, Line, LinePanel, bar_chart, line_chart
from ats_assets.reports.event_simulation import event_simulation
from ats_assets.reports.formatting import DASH, day, decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Callout, Cards, Heading, Headline, Note, Pair, Table
from ats_assets.reports.report_content import Part, ReportContent
from ats_assets.reports.settings_rows import settings_rows
from ats_assets.reports.trial_blocks import trial_blocks
from ats_assets.settings import EventBacktestSettings
from ats_assets.storage.model_record import ModelRecord

SHOWN_FEATURES = 15
SHOWN_FITS = 20


@dataclass(frozen=True, kw_only=True)
class EventReportInputs:
    """All that the report is made from.

    Attributes
    ----------
    backtests
        Of all models.
    settings
        That they were made with.
    regimes
        symbol, known_at and bar_regime_state, where there are regimes of bars.
    judged
        Model -> what it says, in words.
    fits
        By the name of each model: the records of its fits, ascending.
    selection, ledger_fault
        What is left of the Sharpe ratio of so many trials; and what is wrong with their ledger, or None.
    counts
        What there is of each asset, in the order of the data: name, rows, note.
    provenance
        Tables such as {"Data": {"tick_bars": version}}.
    shown_settings
        Section -> setting -> value.
    """

    backtests: EventBacktests
    settings: EventBacktestSettings = field(default_factory=EventBacktestSettings)
    regimes: pl.DataFrame | None = None
    judged: Mapping[str, str] = field(default_factory=dict)
    fits: Mapping[str, Sequence[ModelRecord]] = field(default_factory=dict)
    selection: Selection | None = None
    ledger_fault: str | None = None
    counts: Sequence[tuple[str, int, str]] = ()
    provenance: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    shown_settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def event_content(inputs: EventReportInputs) -> ReportContent:
    """The report, whatever form it is written in."""
    own, figures = inputs.backtests.own, inputs.backtests.own.figures
    made: dict[tuple[str, str], Sequence[Block]] = {
        ("overview", "Overview"): _overview(inputs),
        ("equity", "Sessions"): _sessions(own),
        ("trades", "Trades"): _trades(own, inputs.regimes),
        ("monte_carlo", "Monte Carlo"): event_simulation(own.trades, figures.symbols, inputs.settings) if figures.predictions else [],
        ("skill", "Skill of the models"): _skill(inputs),
        ("number_of_trials", "Number of trials"): trial_blocks(inputs.selection, inputs.ledger_fault) if inputs.selection else (),
        ("models", "Models"): _models(inputs),
        ("made_of", "Made of"): _made_of(inputs),
    }
    parts = [Part(name=name, title=title, short=title, blocks=blocks) for (name, title), blocks in made.items() if blocks]
    first, last = (own.equity["session"][0], own.equity["session"][-1]) if own.equity.height else (None, None)
    return ReportContent(
        parts=parts,
        title="Events inside the session",
        subtitle=f"{day(first)} to {day(last)}, {whole(figures.sessions)} sessions with predictions; each by a model of the sessions before, after costs.",
        footer="A simulation on past data; it is no promise of future returns. Each position is entered at the open of the bar after its decision, with half the quoted spread "
        "(or what the settings say) paid on both ways; of a symbol there is one at a time, and each symbol has an equal part of the capital.",
        figures=inputs.backtests.to_dict() | {"trials": inputs.selection.figures() if inputs.selection else None},
    )


def _overview(inputs: EventReportInputs) -> Sequence[Block]:
    figures = inputs.backtests.own.figures
    error = standard_error_bps(inputs.backtests.own.trades)
    shown = [
        Headline(name="Net return a trade", value=_bp(figures.mean_net_bps), note=f"basis points, ± {decimal(error, 2)} standard error"),
        Headline(name="Before costs", value=_bp(figures.mean_gross_bps), note=f"costs {decimal(figures.mean_cost_bps, 2)} bps"),
        Headline(
            name="Total return",
            value=percent(figures.total_return, 2, signed=True),
            note=f"largest drawdown {percent(figures.max_drawdown, 2)}",
        ),
        Headline(name="t of sessions", value=decimal(figures.t_of_sessions, 1, signed=True), note="3 or more is hardly chance"),
        Headline(name="AUC", value=decimal(figures.skill.auc, 3), note=f"± {decimal(figures.skill.auc_error, 3)}; 0.5 tells nothing"),
        Headline(name="Trades", value=whole(figures.trades), note=f"of {whole(figures.predictions)} events with a prediction"),
    ]
    tone = "gain" if figures.verdict.startswith("An edge") else "warn"
    rows = [(name, rows_text, note) for name, rows_text, note in ((name, whole(rows), note) for name, rows, note in inputs.counts)]
    return [
        Callout(text=figures.verdict, tone=tone),
        Cards(headlines=shown),
        Heading(text="From ticks to trades"),
        Table(columns=("asset", "rows", "what it is"), rows=rows, wide=-1),
    ]


def _sessions(own: EventBacktest) -> Sequence[Block]:
    equity = own.equity
    if equity.is_empty():
        return []
    days = equity["session"].to_list()
    lines = [Line(name="after costs", values=100 * (equity["equity"] - 1), tone="own")]
    before = 100 * ((1 + equity["return_gross"]).cum_prod() - 1)
    lines.append(Line(name="before costs", values=before, tone="other", style="dashed"))
    names = [str(one) for one in days]
    bars = [BarGroup(name="net", values=(1e4 * equity["return_net"]).to_list(), tone="own")]
    rows = [
        (str(row["session"]), whole(row["trades"]), _bp(1e4 * row["return_gross"]), _bp(-1e4 * row["cost"]), _bp(1e4 * row["return_net"]))
        for row in equity.iter_rows(named=True)
    ]
    return [
        line_chart(
            "event-equity", "Return since the first session, %", "", days, [LinePanel(lines=lines, height=220, unit="%", zero=True)]
        ),
        bar_chart("event-sessions", "Net return of each session, basis points", "", names, bars),
        Table(columns=("session", "trades", "before costs, bps", "costs, bps", "net, bps"), rows=rows[-60:]),
    ]


def _trades(own: EventBacktest, regimes: pl.DataFrame | None) -> Sequence[Block]:
    trades = own.trades
    if trades.is_empty():
        return []

    def grouped(by: pl.Expr, name: str) -> Table:
        found = trades.group_by(by.alias("of"), maintain_order=False).agg(
            n=pl.len(),
            wins=(pl.col("return_net") > 0).mean(),
            gross=pl.col("return_gross").mean(),
            net=pl.col("return_net").mean(),
            bars=pl.col("holding_bars").mean(),
        )
        rows = [
            (str(row["of"]), whole(row["n"]), percent(row["wins"]), _bp(1e4 * row["gross"]), _bp(1e4 * row["net"]), decimal(row["bars"], 1))
            for row in found.sort("of").iter_rows(named=True)
        ]
        return Table(columns=(name, "trades", "won", "gross, bps", "net, bps", "bars held"), rows=rows)

    side = pl.when(pl.col("side") > 0).then(pl.lit("long")).otherwise(pl.lit("short"))
    hour = pl.col("decided_at").dt.hour().cast(pl.String).str.zfill(2) + pl.lit(":00 UTC")
    if regimes is not None:
        states = regimes.select("symbol", at="known_at", state="bar_regime_state").sort("at")
        trades = trades.sort("decided_at").join_asof(states, left_on="decided_at", right_on="at", by="symbol", check_sortedness=False)
        trades = trades.with_columns(
            regime=pl.when(pl.col("state").is_nan()).then(None).otherwise(pl.col("state")).cast(pl.Int64).cast(pl.String)
        )
    by_regime = [] if regimes is None else [grouped(pl.col("regime").fill_null("not known"), "regime of the bars, 0 is the calmest")]
    return [
        *by_regime,
        Pair(cells=[[grouped(pl.col("barrier"), "ended by")], [grouped(side, "side")]]),
        Pair(cells=[[grouped(pl.col("symbol"), "symbol")], [grouped(hour, "decided in the hour from")]]),
    ]


def _skill(inputs: EventReportInputs) -> Sequence[Block]:
    found = inputs.backtests.found
    rows = [_skill_row(name, inputs.judged.get(name, ""), one.figures) for name, one in found.items()]
    columns = (
        "model",
        "what it says",
        "events",
        "AUC",
        "accuracy",
        "precision",
        "recall",
        "Brier",
        "of the base rate",
        "net, bps, if traded",
    )
    blocks: list[Block] = [
        Note(text="Of predictions alone that were made before their outcomes were known, each by a model of the sessions before its own."),
        Table(columns=columns, rows=rows, text_columns=2, wide=1),
    ]
    own = inputs.backtests.own
    skill = own.figures.skill
    matrix = Table(
        columns=(inputs.backtests.traded, "gained", "did not"),
        rows=[
            ("said to gain", whole(skill.true_positives), whole(skill.false_positives)),
            ("said not to", whole(skill.false_negatives), whole(skill.true_negatives)),
        ],
    )
    groups = reliability(own.outcomes["probability"], own.outcomes["outcome"] > 0)
    calibration = Table(
        columns=("mean probability", "share that gained", "events"),
        rows=[(percent(p), percent(y), whole(n)) for p, y, n in groups.iter_rows()],
        text_columns=0,
    )
    return [*blocks, Pair(cells=[[Heading(text="Confusion matrix"), matrix], [Heading(text="Reliability"), calibration]])]


def _skill_row(name: str, says: str, figures: EventFigures) -> tuple[str, ...]:
    skill = figures.skill
    return (
        name,
        says,
        whole(skill.events),
        decimal(skill.auc, 3),
        percent(skill.accuracy),
        percent(skill.precision),
        percent(skill.recall),
        decimal(skill.brier, 4),
        decimal(skill.brier_of_base_rate, 4),
        _bp(figures.mean_net_bps),
    )


def _models(inputs: EventReportInputs) -> Sequence[Block]:
    blocks: list[Block] = []
    for name, records in inputs.fits.items():
        fits = [record for record in records if record.status == "fitted"]
        blocks.append(Heading(text=name, note=f"{len(fits)} fits" if fits else "no fit: " + (records[-1].reason or "" if records else "")))
        if not fits:
            continue
        rows = [
            (
                str(record.session),
                f"{record.training.first_decision} to {record.training.last_decision}" if record.training else DASH,
                whole(record.training.rows if record.training else None),
                whole(record.validation_window.rows if record.validation_window else None),
            )
            for record in fits[-SHOWN_FITS:]
        ]
        newest = fits[-1].importance
        total = sum(newest.values()) or 1.0
        top = sorted(newest.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_FEATURES]
        shares = [share / total for _, share in top]
        most = max(shares, default=1.0) or 1.0
        blocks.append(
            Pair(
                cells=[
                    [Table(columns=("fitted at", "decisions", "events", "validated on"), rows=rows, text_columns=2)],
                    [
                        Table(
                            columns=("feature", "importance of the newest fit"),
                            rows=[(feature, percent(share)) for (feature, _), share in zip(top, shares, strict=True)],
                            bars=[share / most for share in shares],
                        )
                    ],
                ]
            )
        )
    return blocks


def _made_of(inputs: EventReportInputs) -> Sequence[Block]:
    settings = settings_rows(inputs.shown_settings)
    blocks: list[Block] = [
        Note(text="The same versions and settings give the same report, byte for byte."),
        Heading(text="Settings"),
        Table(columns=("section", "setting", "value"), rows=settings, text_columns=2, wide=-1),
    ]
    for name, values in inputs.provenance.items():
        blocks += [Heading(text=name), Table(columns=("", ""), rows=[(key, str(value)) for key, value in values.items()], wide=-1)]
    return blocks


def _bp(value: Any) -> str:
    return decimal(value, 2, signed=True)
