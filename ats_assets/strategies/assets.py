"""Assets of the stage strategies: the signals for the next open."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError, how_many
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known
from ats_assets.plugins import Needs
from ats_assets.portfolio.choosing import holds_books
from ats_assets.portfolio.method import exposures_of, weighs_risk
from ats_assets.risk.readable import readable_schemas
from ats_assets.selection.schema import TICKERS, TICKERS_SCHEMA
from ats_assets.selection.tradable import of_tradable
from ats_assets.settings import Section
from ats_assets.strategies.choosing import NamedStrategy, called_signals, strategies, weighting
from ats_assets.strategies.contracts import ReasonedSignals, Signals
from ats_assets.strategies.schema import REASONED_SCHEMA, SIGNALS_SCHEMA
from ats_assets.strategies.weighting import Weighting, of_cash

GROUP = "signals"
NOTHING_ORDERED: Final = "What is held stays. Nothing is ordered"
MADE_SMALLER: Final = "What is held stays, or is made smaller by risk rules and the brake"
OTHERS_TRADE: Final = f"{MADE_SMALLER}; the other strategies trade theirs"
"""What comes of a session without a book."""


class Tradable(Section):
    """The states of the tickers that strategies may hold."""

    states: tuple[str, ...]


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: one for each strategy of the settings."""
    return [_signals(deployment, name, strategy) for name, strategy in deployment.of(strategies).items()]


def _signals(deployment: Deployment, name: str, named: NamedStrategy) -> dg.AssetsDefinition:
    settings, training, strategy = deployment.settings.portfolio, deployment.settings.training, named.strategy
    weigh = deployment.of(weighting)
    method = weigh.method
    called, needs = deployment.of(called_signals), strategy.needs(training)
    readable = deployment.of(readable_schemas)
    schemas = readable | dict.fromkeys(called.values(), SIGNALS_SCHEMA) | {TICKERS: TICKERS_SCHEMA}
    tickers = deployment.settings.ticker_selection
    tradable = tickers.tradable_states if tickers else ()
    of_tickers = max((one.back for one in needs if one.asset == "universe"), default=0)
    selected = [Reads(asset=TICKERS, back=of_tickers)] if tradable else []
    _require_exposures(weigh, readable)
    reads = _widened([*(_read(name, one, called, readable) for one in needs), *selected], weigh)
    back = max(window.back for window in reads)
    reasoned = weigh.gives_reasons or getattr(strategy, "gives_reasons", False)
    node = Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=reads,
        contract=ReasonedSignals if reasoned else Signals,
        code=(_signals, type(strategy), *getattr(strategy, "made_of", ()), type(method)),
        settings=(settings, method.settings, strategy.settings, training.of_results(), *((Tradable(states=tradable),) if tradable else ())),
    )

    alone = MADE_SMALLER if deployment.of(holds_books) else NOTHING_ORDERED
    of_no_book = OTHERS_TRADE if len(deployment.signals) > 1 else alone
    remarks, columns = dict[date, str](), (REASONED_SCHEMA if reasoned else SIGNALS_SCHEMA).names()

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        named = {one.asset: frames[called.get(one.asset, one.asset)] for one in needs}
        named |= {"universe": of_tradable(named["universe"], frames[TICKERS], tradable)} if tradable and "universe" in named else {}
        scores = strategy.scores(named, days, weigh.scored(days, sessions), training)
        left = of_tradable(scores, frames[TICKERS], tradable) if tradable else scores
        made, said = weigh.signals(left, frames, days, sessions)
        if tradable:
            none = of_cash(scores, left, frames[TICKERS], sessions)
            made = pl.concat([made, none.select(made.columns)]).sort("session", "symbol") if none.height else made
            said |= {day: f"no symbol with a score is {' or '.join(tradable)}: the book is cash" for day in none["session"].unique()}
        for day in sessions:  # what was said of it when it was made before is forgotten
            remarks.pop(day, None)
        without = set(said) - set(made["session"])
        remarks.update({day: f"{remark}. {of_no_book}" if day in without else remark for day, remark in said.items()})
        return made if made.columns == columns else made.with_columns(reason=pl.lit(None, pl.String)).select(columns)

    @node.asset(deployment, deps=node.deps())
    def signals(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The signals for the next open: rank, direction, target weight, and a probability where the strategy has one."""
        sessions = sessions_of(context.partition_keys)
        made = as_known(deployment, node, sessions, schemas, make)
        newest = made.filter(pl.col("session") == sessions[-1], pl.col("target_weight") != 0).sort("rank", "symbol").head(10)
        rows = "\n".join(f"| {s} | {d} | {w:+.2%} |" for s, d, w in newest.select("symbol", "direction", "target_weight").iter_rows())
        if lines := [f"- {day}: {remarks[day]}" for day in sessions if day in remarks]:
            told = "\n".join(lines)
            context.log.warning(f"{name}: no book, or one to be looked at, in {how_many(len(lines), 'session')}\n{told}")
            context.add_output_metadata({"fallbacks": dg.MetadataValue.md(told)})
        context.add_output_metadata({"newest": dg.MetadataValue.md(f"| symbol | direction | target weight |\n|---|---|---|\n{rows}")})
        return made

    return signals


def _widened(reads: Sequence[Reads], weigh: Weighting) -> tuple[Reads, ...]:
    """The windows of a strategy, as many sessions earlier as its books follow each other, and those of the books."""
    found = {one.asset: Reads(asset=one.asset, back=one.back + weigh.earlier, lag=one.lag) for one in reads}
    for need in weigh.needs():
        one = found.get(need.asset, Reads(asset=need.asset, back=need.back, lag=need.lag))
        found[need.asset] = Reads(asset=need.asset, back=max(one.back, need.back), lag=min(one.lag, need.lag))
    return tuple(found.values())


def _require_exposures(weigh: Weighting, readable: Mapping[str, pl.Schema]) -> None:
    """Refuse a portfolio method whose factors are in no asset.

    Raises
    ------
    SettingsError
        If a factor names something that is no asset, or that no method may read, or no number in it.
    """
    for name, (asset, column) in exposures_of(weigh.method).items() if weighs_risk(weigh.method) else ():
        where = f"portfolio.options.factors.{name}"
        if asset not in readable:
            raise SettingsError(f"{where} reads {asset!r}, which it can't: it may read {', '.join(sorted(readable))}")
        if column not in readable[asset] or not readable[asset][column].is_numeric():
            raise SettingsError(f"{where} reads {column!r}, which is no number in {asset}")


def _read(name: str, window: Needs, called: Mapping[str, str], readable: Collection[str]) -> Reads:
    """What a strategy reads, by the name that its asset has in the graph.

    Raises
    ------
    SettingsError
        If it reads something that is no asset, or that no strategy may read, or its own signals.
    """
    asset = called.get(window.asset, window.asset)
    if window.asset not in {*readable, *called} or asset == name:
        known = ", ".join(sorted({*readable, *(one for one, other in called.items() if other != name)}))
        raise SettingsError(f"the strategy of {name} reads {window.asset!r}, which it can't: it may read {known}")
    return Reads(asset=asset, back=window.back, lag=window.lag)
