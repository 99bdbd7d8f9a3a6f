"""Assets of the stage books: what each strategy held, traded and made of the backtest's account."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date

import dagster as dg
import numpy as np

from ats_assets.backtests import BacktestResult
from ats_assets.backtests.metrics import session_returns
from ats_assets.books.account_books import BookInputs, account_books
from ats_assets.books.account_history import history_of_backtest
from ats_assets.books.attribution import Explained, attribution
from ats_assets.books.contracts import CONTRACTS, Attribution
from ats_assets.books.models_traded import champion_reads, reading_scores, stored_models
from ats_assets.books.stored_inputs import stored_among, stored_inputs
from ats_assets.deployment import Deployment
from ats_assets.kernels.weight_limits import Floats
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.memory_blocks import blocks_of_step
from ats_assets.orchestration.partitions import Reads
from ats_assets.regimes.market_observations import daily_moves
from ats_assets.risk_analysis.factor_exposure import BEFORE_SESSIONS, size_and_momentum
from ats_assets.settings import Section

GROUP = "backtests"
MOVED_COLUMNS = ("symbol", "session", "high", "low", "close", "volume")


class AttributionSettings(Section):
    """What attribution depends on, beside the backtest: which strategies read scores, and for how long positions are held."""

    reading_scores: tuple[str, ...]
    capital: dict[str, float]
    holding_sessions: int
    models: tuple[str, ...]


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none where one strategy has all, unless settings ask for its book."""
    return [_strategy_books(deployment)] if deployment.settings.has_books else []


def _strategy_books(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    of_models = AttributionSettings(
        reading_scores=tuple(sorted(reading_scores(deployment))),
        capital=settings.capital,
        holding_sessions=settings.holding_sessions,
        models=settings.candidates,
    )
    node = Node(
        name="strategy_books",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        contract=Attribution,
        code=(_strategy_books,),
        settings=(settings.backtest, settings.portfolio, settings.actions, settings.knowledge, of_models),
    )
    signals = {name: asset for name, asset in deployment.signals.items() if settings.capital[name]}
    deps = ["backtest", "targets", "bars", "corporate_actions", *signals.values(), *champion_reads(deployment)]

    @node.asset(deployment, deps=deps, partitioned=False)
    def strategy_books(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Each strategy's own book of the backtest: netted orders and fills split back to the cent, and who or what made the profit."""
        warehouse = deployment.warehouse
        result = BacktestResult(**{field.name: warehouse.read_part("backtest", field.name) for field in fields(BacktestResult)})
        sessions = result.equity["session"].to_list()
        inputs, upstream = stored_inputs(deployment, sessions, [result.positions["symbol"], result.trades["symbol"]])
        books = account_books(history_of_backtest(result), inputs, sessions)
        explained = Explained(
            models=stored_models(deployment, sessions),
            holding_sessions=settings.holding_sessions,
            equity=result.equity.select("session", "equity"),
            factors=_factors(deployment, result, inputs, sessions),
        )
        tables = asdict(books) | {"attribution": attribution(books.profit, [*inputs.capital], explained)}
        of_backtest = {
            field.name: warehouse.footer_of(warehouse.part("backtest", field.name)).data_version for field in fields(BacktestResult)
        }
        upstream = {"backtest": of_backtest, **upstream}
        for champion in champion_reads(deployment):
            upstream[champion] = deployment.data_versions(champion, stored_among(deployment, champion, sessions))
        versions = {"code_version": node.code_version, "settings_version": node.settings_version}
        for name, contract in CONTRACTS.items():
            contract.validate(tables[name])
            warehouse.write_part(node.name, name, tables[name], **versions, upstream=upstream)
        shown = tables["attribution"].filter(dimension="strategy")
        context.log.info(f"strategy books: {books.fills.height} parts of {result.trades.height} trades")
        return dg.MaterializeResult(metadata={name: round(profit, 2) for name, profit in shown.select("part", "profit").iter_rows()})

    return strategy_books


def _factors(deployment: Deployment, result: BacktestResult, inputs: BookInputs, sessions: Sequence[date]) -> Mapping[str, Floats]:
    """The returns of the market, size and momentum in each session but the first, made in blocks of sessions that fit into memory."""
    if len(sessions) < 2:
        return {}
    window = (Reads(asset="bars", back=BEFORE_SESSIONS, columns=MOVED_COLUMNS),)
    parts: list[dict[str, Floats]] = []
    first = 0
    for block in blocks_of_step(deployment, "strategy_books", window, sessions):
        begins = max(0, first - BEFORE_SESSIONS)
        days = sessions[begins : first + len(block)]
        moved = deployment.warehouse.read("bars", days, MOVED_COLUMNS)
        moves = daily_moves(moved, inputs.actions, days, deployment.settings.actions.adjust)
        made = size_and_momentum(moves.returns / 100.0, moves.dollars)
        parts.append({name: values[first - begins :] for name, values in made.items()})
        first += len(block)
    market = session_returns(result.equity["benchmark"].to_numpy())
    return {"market": market, **{name: np.concatenate([part[name] for part in parts])[1:] for name in parts[0]}}
