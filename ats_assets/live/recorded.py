"""The session loop of a deployment as its trade state has it: for the assets after the close, and for whoever looks while it goes on."""

from collections.abc import Sequence
from datetime import date

import polars as pl
from pandera.polars import DataFrameModel

from ats_assets.deployment import Deployment
from ats_assets.events.choosing import traded_model
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.execution.working import recorded_algorithm
from ats_assets.live.choosing import session_rules
from ats_assets.live.graph_compared import EventsCompared, against_graph
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.monitors import Watched, watched
from ats_assets.live.session_journal import DecidedRow, Heard, SessionJournal
from ats_assets.trade_state import open_trade_state


def recorded_rules(deployment: Deployment, session: date) -> LiveRules:
    """What a session is decided by; orders are worked as it is recorded with each."""
    folder = deployment.settings.plugins.folder
    made: dict[str, tuple] = {}

    def work(text: str) -> tuple:
        if text not in made:
            plan = WorkPlan.of(text)
            made[text] = (recorded_algorithm(plan, folder), plan.day_end)
        return made[text]

    return session_rules(deployment, session, work)


def recorded_session(deployment: Deployment, session: date) -> Watched | None:
    """What was heard and decided in a session; None where no loop ran."""
    journal = SessionJournal(session=session, strategy=deployment.settings.orders.strategy)
    with open_trade_state(deployment.settings) as state, state.begin() as connection:
        if journal.last_heard(connection) is None:  # what it would be decided by may not be there
            return None
        return watched(connection, journal, recorded_rules(deployment, session))


def events_compared(
    deployment: Deployment, session: date, decided: Sequence[DecidedRow], heard: Sequence[Heard], trades: pl.DataFrame
) -> EventsCompared | None:
    """What was decided at events beside what the graph has of the session; None where it has nothing yet, or nothing is traded at events.

    Parameters
    ----------
    trades
        Of the session as they are stored, `day_market.TRADES`.
    """
    own, traded = deployment.settings.live.events, traded_model(deployment)
    if not own.enabled or traded is None or not deployment.warehouse.exists(traded.predictions, session):
        return None
    return against_graph(decided, heard, deployment.warehouse.read(traded.predictions, [session]), trades, own.symbols)


def empty_of(contract: type[DataFrameModel]) -> pl.DataFrame:
    """No rows of a contract."""
    return pl.DataFrame(schema={name: column.dtype.type for name, column in contract.to_schema().columns.items()})
