"""The asset of the stage: why the account's return is not its benchmark's, where the settings name groups."""

from dataclasses import fields

import dagster as dg
import polars as pl

from ats_assets.active_returns.active_tables import AccountBeside, active_tables
from ats_assets.active_returns.contracts import CONTRACTS, ActivePeriods
from ats_assets.backtests import BacktestResult
from ats_assets.backtests.stored_bars import market_bars
from ats_assets.corporate_actions.identity import INSTRUMENT, identities_of
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.reading import of_whole
from ats_assets.regimes.market_observations import daily_moves
from ats_assets.settings import ActiveReturnSettings

GROUP = "backtests"
READ_COLUMNS = ("symbol", "session", "high", "low", "close", "volume")


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's asset: none without a table `[active_return]`."""
    wanted = deployment.settings.active_return
    return [] if wanted is None else [_active_return(deployment, wanted)]


def _active_return(deployment: Deployment, wanted: ActiveReturnSettings) -> dg.AssetsDefinition:
    settings = deployment.settings
    node = Node(
        name="active_return",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        contract=ActivePeriods,
        code=(_active_return,),
        settings=(wanted, settings.backtest, settings.knowledge),
    )

    @node.asset(deployment, deps=["backtest", "bars", "corporate_actions", "universe"], partitioned=False)
    def active_return(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The account's return over its universe's: allocation to groups, selection within them, trading and costs, linked over time."""
        warehouse = deployment.warehouse
        result = BacktestResult(**{field.name: warehouse.read_part("backtest", field.name) for field in fields(BacktestResult)})
        sessions = result.equity["session"].to_list()
        bars = market_bars(deployment, node.name, sessions, READ_COLUMNS)
        told = deployment.known(deployment.calendar.sessions(deployment.calendar.first, sessions[-1])) if sessions else ()
        actions, of_actions = of_whole(deployment, "corporate_actions", told)
        known = identities_of(actions, settings.source.kind)
        compared = AccountBeside(
            result=result,
            moves=daily_moves(bars, actions, sessions, "splits_and_dividends"),
            instruments=known.named(bars.select("symbol", "session"))[INSTRUMENT].unique().sort(),
            universe=warehouse.read("universe", sessions, ("symbol", "session")),
            known=known,
        )
        tables = active_tables(compared, wanted)
        of_backtest = {
            field.name: warehouse.footer_of(warehouse.part("backtest", field.name)).data_version for field in fields(BacktestResult)
        }
        upstream = {"backtest": of_backtest, "corporate_actions": of_actions}
        upstream |= {asset: deployment.data_versions(asset, sessions) for asset in ("bars", "universe")}
        versions = {"code_version": node.code_version, "settings_version": node.settings_version}
        for name, contract in CONTRACTS.items():
            contract.validate(tables[name])
            warehouse.write_part(node.name, name, tables[name], **versions, upstream=upstream)
        whole = tables["periods"].filter(pl.col("period") == "all")
        shown = (
            {}
            if whole.is_empty()
            else {name: round(value, 6) for name, value in whole.row(0, named=True).items() if isinstance(value, float)}
        )
        context.log.info(f"active return: {tables['sessions'].height} sessions, {len(wanted.groups)} groups")
        return dg.MaterializeResult(metadata=shown)

    return active_return
