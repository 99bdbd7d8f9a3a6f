"""The books of the strategies behind the account at the broker, from the records of its sessions: the same split as that of the backtest."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ats_assets.books.account_books import account_books
from ats_assets.books.account_history import history_of_records
from ats_assets.books.attribution import Explained, attribution
from ats_assets.books.models_traded import stored_models
from ats_assets.books.stored_inputs import stored_inputs
from ats_assets.deployment import Deployment


def recorded_books(deployment: Deployment, sessions: Sequence[date]) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Rows of the contracts `BookEquity` and `Attribution`; None where there are fewer than two sessions with targets.

    Parameters
    ----------
    sessions
        Whose fills, positions and account are stored, ascending.
    """
    warehouse = deployment.warehouse
    fills, positions, account = (warehouse.read(name, sessions) for name in ("fills", "positions", "account"))
    inputs, _ = stored_inputs(deployment, sessions, [fills["symbol"], positions["symbol"]])
    books = account_books(history_of_records(fills, positions, account), inputs, sessions)
    days = books.equity["session"].unique().sort()
    if len(days) < 2:
        return None
    explained = Explained(
        models=stored_models(deployment, sessions),
        holding_sessions=deployment.settings.holding_sessions,
        equity=account.filter(pl.col("session").is_in(days.implode())).select("session", "equity").sort("session"),
        factors={},
    )
    return books.equity, attribution(books.profit, [*inputs.capital], explained)
