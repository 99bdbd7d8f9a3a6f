"""What books are made from, as the warehouse has it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from ats_assets.backtests.stored_bars import traded_bars
from ats_assets.books.account_books import BookInputs
from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.deployment import Deployment
from ats_assets.holding.followed import followed_periods
from ats_assets.holding.schema import HOLDING, HOLDING_SCHEMA
from ats_assets.orchestration.reading import of_whole
from ats_assets.portfolio.allowed_changes import COLUMN
from ats_assets.portfolio.choosing import sessions_kept
from ats_assets.portfolio.held_books import HeldBooks
from ats_assets.portfolio.held_parts import HeldSession, held_sessions
from ats_assets.portfolio.netting import OwnHoldings
from ats_assets.portfolio.schema import WANTED_SCHEMA
from ats_assets.portfolio.targets import with_earlier
from ats_assets.risk.book_history import ACTIONS

WEIGHTS = pl.Schema({"symbol": pl.String, "session": pl.Date, "proposed_weight": pl.Float64})


def stored_among(deployment: Deployment, asset: str, sessions: Sequence[date]) -> list[date]:
    """Those of the sessions that an asset has."""
    wanted = set(sessions)
    return [day for day in deployment.valid_sessions(asset) if day in wanted]


def stored_inputs(
    deployment: Deployment, sessions: Sequence[date], account: Iterable[pl.Series] = ()
) -> tuple[BookInputs, dict[str, Mapping[str, str]]]:
    """Targets, signals and actions of sessions, the bars of what a strategy wanted or the account had, and the data versions of what was read.

    Parameters
    ----------
    account
        Symbols that it held or traded.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    MemoryLimitError
        If books of so many symbols do not fit into `runs.max_memory_mb`.
    """
    settings, warehouse = deployment.settings, deployment.warehouse
    capital = {name: share for name, share in settings.capital.items() if share}
    holding = settings.holding_sessions
    longest = max(holding, follows.settings.followed_sessions) if (follows := deployment.of(followed_periods)) else holding
    kept = deployment.of(sessions_kept)
    longest += kept + REPEAT_DAYS if kept else 0
    days = deployment.calendar.sessions(deployment.calendar.window(sessions[0], longest)[0], sessions[-1]) if sessions else []
    upstream: dict[str, Mapping[str, str]] = {}

    def read(asset: str, wanted: Sequence[date], columns: Sequence[str], schema: pl.Schema | None = None) -> pl.DataFrame:
        stored = stored_among(deployment, asset, wanted)
        upstream[asset] = deployment.data_versions(asset, stored)
        if not stored and schema is not None:
            return schema.to_frame()
        return warehouse.read(asset, stored, columns)

    schema = pl.Schema(WANTED_SCHEMA | {COLUMN: pl.String}) if kept else WANTED_SCHEMA
    targets = read("targets", sessions, list(schema), schema)
    signals = {name: read(deployment.signals[name], days, list(WANTED_SCHEMA), WANTED_SCHEMA) for name in capital}
    told = deployment.known(deployment.calendar.sessions(deployment.calendar.first, sessions[-1])) if sessions else []
    actions = CORPORATE_ACTIONS_SCHEMA.to_frame()
    if told:
        actions, upstream["corporate_actions"] = of_whole(deployment, "corporate_actions", told)
    known = identities_of(actions, settings.source.kind)
    stored = stored_among(deployment, "bars", days if kept else sessions)
    upstream["bars"] = deployment.data_versions("bars", stored)
    wanted = pl.concat([frame["symbol"] for frame in (targets, *signals.values())] + [one.cast(pl.String) for one in account])
    bars = traded_bars(deployment, wanted.to_frame("symbol"), stored, known, None, what="books")

    held = dict.fromkeys(capital, dict.fromkeys(sessions, holding))
    if follows and sessions:
        recommended = read(HOLDING, days, ["session", "strategy", "recommendation"], HOLDING_SCHEMA)
        held = follows.of(recommended, [*capital], days, sessions)

    resting: dict[str, list[date]] = {}
    made: Sequence[HeldSession] = ()
    filled: Mapping[str, pl.DataFrame] = signals
    if kept and sessions:
        books = HeldBooks(frames={"bars": bars, ACTIONS: actions}, days=days, kept=kept)
        made = held_sessions(signals, capital, holding=held, longest=holding, books=books, sessions=sessions)
        resting = {name: [one.day for one in made if name in one.since] for name in capital}
        filled = books.filled(signals, books.last(signals, with_earlier(days, sessions, holding - 1))) if made else signals
    owned = OwnHoldings(signals=filled, capital=capital, holding=held, days=days, identities=known)

    def averaged(name: str) -> pl.DataFrame:
        others = {one.day for one in made}
        own = owned.part(name, [day for day in sessions if day not in others])
        rows = [(symbol, one.day, weight) for one in made for symbol, weight in one.parts.get(name, {}).items()]
        return pl.concat([own.select(list(WEIGHTS)), pl.DataFrame(rows, schema=WEIGHTS, orient="row")])

    inputs = BookInputs(
        capital=capital,
        targets=targets,
        averaged=averaged,
        bars=bars,
        actions=actions.filter(pl.col("session") >= sessions[0]) if sessions else actions,
        known=known,
        portfolio=settings.portfolio,
        settings=settings.backtest,
        resting=resting,
    )
    return inputs, upstream
