"""Assets of the stage option backtests: the strategies of options over all chains so far, where settings name some."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.backtests.metrics import session_returns
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError, SettingsError
from ats_assets.option_backtests.backtested_tables import option_tables
from ats_assets.option_backtests.contracts import CONTRACTS, OptionEquity
from ats_assets.option_backtests.option_metrics import ALL, option_metrics, total_equity
from ats_assets.option_backtests.session_chain import OF_GREEKS, SessionChain
from ats_assets.option_backtests.session_loop import OptionBacktestInputs, trade_sessions
from ats_assets.option_backtests.traded_strategies import traded_strategies, trading_rules, trading_settings
from ats_assets.option_strategies.choosing import NamedOptionStrategy, option_strategies
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA, GREEKS_SCHEMA, OPTION_CHAINS_SCHEMA
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.sparkline import sparkline_markdown
from ats_assets.scheduled_events import SCHEDULED, SCHEDULED_EVENTS_SCHEMA
from ats_assets.settings import Settings
from ats_assets.trials import BacktestTrial

GROUP = "options"
CHAINS, GREEKS, ANNOUNCED, ACTIONS, BARS = "option_chains", "greeks", "raw_announced_dividends", "corporate_actions", "bars"


class OptionBacktestRange(dg.Config):
    """The chains to trade; all that are stored by default."""

    first_session: str | None = None
    last_session: str | None = None


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `[option_strategies]`.

    Raises
    ------
    SettingsError
        If there are strategies of options, and no chains.
    """
    settings = deployment.settings
    if not settings.option_strategies:
        return []
    if not settings.options.has_chains:
        first = next(iter(settings.option_strategies))
        raise SettingsError(f"[option_strategies.{first}] trades options, but [options.chains] names no source of them: add one")
    return [_option_backtest(deployment, deployment.of(option_strategies))]


def _option_backtest(deployment: Deployment, strategies: Mapping[str, NamedOptionStrategy]) -> dg.AssetsDefinition:
    settings = deployment.settings
    node = Node(
        name="option_backtest",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        contract=OptionEquity,
        code=(_option_backtest, *(type(one.strategy) for one in strategies.values())),
        settings=trading_settings(settings, strategies),
    )
    scheduled = [SCHEDULED] if settings.scheduled_events.has_events else []
    reads = [CHAINS, GREEKS, ANNOUNCED, ACTIONS, *([BARS] if settings.options.spot != "delivered" else []), *scheduled]

    @node.asset(deployment, deps=reads, partitioned=False)
    def option_backtest(context: dg.AssetExecutionContext, config: OptionBacktestRange) -> dg.MaterializeResult:
        """The strategies of options over all chains so far (or a range), each with its own book: equity, positions, cash flows, decisions, greeks, attribution, metrics."""
        sessions = traded_chains(deployment, config)
        trial = BacktestTrial(deployment, node.name, traded=GREEKS, what=_what_is_tried(settings))
        trial.begin()
        told = StoredOptions(deployment, sessions, reads)
        traded = deployment.of(traded_strategies)
        rows = trade_sessions(
            OptionBacktestInputs(
                strategies=traded,
                sessions=sessions,
                chain_of=told.chain,
                actions=told.rows(ACTIONS, CORPORATE_ACTIONS_SCHEMA),
                announced=told.rows(ANNOUNCED, ANNOUNCED_DIVIDENDS_SCHEMA),
                calendar=deployment.calendar,
                rules=trading_rules(settings),
                roots=told.roots,
                scheduled=told.rows(SCHEDULED, SCHEDULED_EVENTS_SCHEMA),
            )
        )
        tables = option_tables(rows)
        capital = {one.name: float(one.capital) for one in traded}
        figures = option_metrics(tables, capital, settings.backtest.sessions_per_year)
        equity = total_equity(tables["equity"])
        trial.add(equity["session"].to_list()[1:], session_returns(equity["equity"].to_numpy()).tolist())
        versions = {"code_version": node.code_version, "settings_version": node.settings_version}
        for name in CONTRACTS:
            deployment.warehouse.write_part(node.name, name, tables[name], **versions, upstream=told.upstream)
        text = json.dumps(figures, indent=2, sort_keys=True, default=str)
        deployment.warehouse.write_text(node.name, "metrics.json", text, **versions, upstream=told.upstream)
        context.log.info(f"option backtest from {sessions[0]} to {sessions[-1]}: {tables['option_fills'].height} trades")
        curve = sparkline_markdown(equity["equity"].to_list(), title="Equity", width=400, height=80)
        shown = {name: round(value, 4) for name, value in figures[ALL].items() if isinstance(value, float)}
        return dg.MaterializeResult(metadata={"curve": dg.MetadataValue.md(curve), **shown})

    return option_backtest


def _what_is_tried(settings: Settings) -> dict[str, Any]:
    """For people: the strategies, and what differs from the defaults."""
    return {
        "option_strategies": settings.option_strategies,
        "option_backtest": settings.option_backtest.model_dump(mode="json", exclude_defaults=True),
    }


class StoredOptions:
    """What the backtest reads of the warehouse: chains with greeks one session after the other, the rest at once.

    Attributes
    ----------
    upstream
        Asset -> session -> data version.
    roots
        Symbol of the bars -> root of its contracts, where the settings say so.
    """

    def __init__(self, deployment: Deployment, sessions: Sequence[date], reads: Sequence[str]) -> None:
        self._deployment, self._sessions = deployment, sessions
        self._stored = {asset: {*deployment.valid_sessions(asset)} & {*sessions} for asset in reads}
        deployment.warehouse.require(GREEKS, sorted(self._stored[CHAINS]))
        self.upstream = {asset: deployment.data_versions(asset, sorted(stored)) for asset, stored in self._stored.items() if stored}
        self.roots = {symbol: root for root, symbol in deployment.settings.options.symbol_by_underlying.items()}
        self._closes = self._read_closes()

    def rows(self, asset: str, schema: pl.Schema) -> pl.DataFrame:
        """The rows of an asset at the sessions at which it is stored; none of one that there is not."""
        stored = sorted(self._stored.get(asset, ()))
        return self._deployment.warehouse.read(asset, stored, schema.names()) if stored else schema.to_frame()

    def chain(self, session: date) -> SessionChain:
        """The chain of a session with its greeks; without rows where there is none."""
        closes = self._closes.get(session, {})
        if session not in self._stored[CHAINS]:
            schema = OPTION_CHAINS_SCHEMA | {name: GREEKS_SCHEMA[name] for name in OF_GREEKS}
            return SessionChain(session, pl.DataFrame(schema=schema), closes)
        warehouse = self._deployment.warehouse
        chains = warehouse.read(CHAINS, [session])
        greeks = warehouse.read(GREEKS, [session], ["contract", *OF_GREEKS])
        return SessionChain(session, chains.join(greeks, on="contract", how="left", validate="1:1", maintain_order="left"), closes)

    def _read_closes(self) -> dict[date, dict[str, float]]:
        """The closes of bars of the underlyings that the strategies trade, for sessions whose chains tell none."""
        stored = sorted(self._stored.get(BARS, ()))
        if not stored:
            return {}
        settings = self._deployment.settings
        named = {root for one in settings.option_strategies.values() for root in one.get("underlyings", ())}
        symbols = {settings.options.symbol_by_underlying.get(root, root): root for root in sorted(named)}
        bars = self._deployment.warehouse.read(BARS, stored, ["symbol", "session", "close"]).filter(pl.col("symbol").is_in([*symbols]))
        found: dict[date, dict[str, float]] = {}
        for symbol, session, close in bars.iter_rows():
            found.setdefault(session, {})[symbols[symbol]] = close
        return found


def traded_chains(deployment: Deployment, config: OptionBacktestRange) -> list[date]:
    """The sessions from the first stored chain of the range to the last.

    Raises
    ------
    MissingPartitionError
        If there is none.
    """
    first = date.fromisoformat(config.first_session) if config.first_session else date.min
    last = date.fromisoformat(config.last_session) if config.last_session else date.max
    stored = [day for day in deployment.valid_sessions(CHAINS) if first <= day <= last]
    if not stored:
        raise MissingPartitionError(f"no option chains are stored from {first} to {last}: make them with ats run, or choose another range")
    return deployment.calendar.sessions(stored[0], stored[-1])
