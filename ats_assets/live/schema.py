"""The contracts of what the session loop has recorded; one partition is one session. Money is in the currency of the account, times are UTC."""

from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

_AT = Annotated[pl.Datetime, "us", "UTC"]


class _Exact(BaseConfig):
    """Columns are exactly these, in this order."""

    strict = True
    ordered = True


class LiveDecisions(pa.DataFrameModel):
    """What was decided inside the session, in the order in which it was; each row was written before it was acted upon."""

    session: date = pa.Field(description="in which it was decided")
    number: int = pa.Field(ge=1, description="from 1, in their order")
    event: int = pa.Field(ge=1, description="number of the newest event that was known, in the journal")
    decided_at: _AT = pa.Field(description="when that was heard")
    what: str = pa.Field(
        description="send, cancel, wait, done, hold of an order; keep, breach of the risk; event, unwanted, enter, leave at events"
    )
    subject: str = pa.Field(description="client order id of the worked order, or portfolio, or the model of events")
    symbol: str = pa.Field(nullable=True, description="ticker")
    reason: str = pa.Field(description="why")
    fields: str = pa.Field(description="quantity, kind and limit of an order, figures of the risk, or the prediction of an event, as JSON")
    done: bool = pa.Field(description="whether what it asks for has been done")

    class Config(_Exact):
        """One row for each decision."""

        unique = ["session", "number"]  # noqa: RUF012


class LivePositions(pa.DataFrameModel):
    """What is held, as the loop has last known it, by symbol."""

    session: date = pa.Field(description="session")
    symbol: str = pa.Field(unique=True, description="ticker")
    at: _AT = pa.Field(description="of the price; the session's beginning where it is the last close")
    shares: float = pa.Field(description="signed")
    price: float = pa.Field(nullable=True, description="newest, for a share; null where none is known")
    value: float = pa.Field(nullable=True, description="shares times price")
    weight: float = pa.Field(nullable=True, description="value as a share of equity")
    profit: float = pa.Field(nullable=True, description="of these shares since the last close")

    class Config(_Exact):
        """One row for each position."""


class LiveRisk(pa.DataFrameModel):
    """The risk of the book minute by minute; shares are of equity."""

    session: date = pa.Field(description="session")
    at: _AT = pa.Field(description="when it was judged")
    equity: float = pa.Field(description="cash and positions at the newest prices")
    gross_share: float = pa.Field(ge=0, description="sum of |value|")
    net_share: float = pa.Field(description="sum of values")
    largest_share: float = pa.Field(ge=0, description="of the largest position")
    largest_symbol: str = pa.Field(nullable=True, description="whose it is")
    positions: int = pa.Field(ge=0, description="that are held")
    exposure: float = pa.Field(ge=0, le=1, description="that the brake would leave of the targets")
    breach: str = pa.Field(nullable=True, description="the limit that was broken")

    class Config(_Exact):
        """One row for each minute, and one for a breach."""


class LivePerformance(pa.DataFrameModel):
    """What the session has made so far, minute by minute."""

    session: date = pa.Field(description="session")
    at: _AT = pa.Field(description="when it was judged")
    equity: float = pa.Field(description="cash and positions at the newest prices")
    profit: float = pa.Field(description="since the last close")
    session_return: float = pa.Field(description="profit over the equity of the last close")
    drawdown: float = pa.Field(ge=0, description="from the highest equity of the session, as a share of it")

    class Config(_Exact):
        """One row for each minute."""


MONITORS = {"positions": LivePositions, "risk": LiveRisk, "performance": LivePerformance}
