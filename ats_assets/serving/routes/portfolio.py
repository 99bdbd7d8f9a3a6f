"""The portfolio: account and positions."""

from datetime import date, datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

from ats_assets.serving.problems import not_found
from ats_assets.serving.queries.portfolio_now import account_now, newest_closes, positions_now
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("portfolio")
Exact = str
"""A decimal, digit for digit."""


class HaltTold(BaseModel):
    """Why trading stopped by itself."""

    since: datetime
    reason: str


class AccountNow(BaseModel):
    """The account at the last close that was settled."""

    broker: str
    account_id: str
    session: date | None = Field(description="whose close it is; null: the baseline, before the first")
    at: datetime
    cash: Exact
    equity: Exact
    buying_power: Exact
    trading_blocked: bool = Field(description="by the broker")
    halted: HaltTold | None = Field(description="what a person has to look at before trading goes on")
    kill_switch: str | None = Field(description="why no order is sent at all; null: the switch is off")


class HeldPosition(BaseModel):
    """What is held of a symbol."""

    symbol: str
    quantity: Exact = Field(description="negative: short; with the fills since the snapshot")
    filled_since: Exact = Field(description="of it, what was filled since the snapshot")
    cost: Exact | None = Field(description="paid for it in all; null: not known, or fills came since")
    price: Exact | None
    value: Exact | None
    unrealised: Exact | None
    weight: float | None = Field(description="share of the equity of the snapshot")
    multiplier: Exact = Field(description="shares that a contract is for; 1 of shares")


class PositionsNow(BaseModel):
    """What is held."""

    data: list[HeldPosition]
    next: None = None
    session: date | None = Field(description="whose bars value what the broker does not")
    at: datetime | None = Field(description="of the snapshot; null: nothing was ever traded")


_ACCOUNT = {
    "broker": "paper",
    "account_id": "paper",
    "session": "2023-12-29",
    "at": "2023-12-29T21:00:00Z",
    "cash": "412.87",
    "equity": "104233.10",
    "buying_power": "412.87",
    "trading_blocked": False,
    "halted": None,
    "kill_switch": None,
}
_POSITION = {
    "symbol": "SYN0007",
    "quantity": "120.5",
    "filled_since": "0",
    "cost": "8011.20",
    "price": "68.11",
    "value": "8207.26",
    "unrealised": "196.06",
    "weight": 0.0787,
    "multiplier": "1",
}
_POSITIONS: dict[str, Any] = {"data": [_POSITION], "next": None, "session": "2023-12-29", "at": "2023-12-29T21:00:00Z"}


@ROUTES.get(
    "/portfolio/account",
    role=Role.READ,
    model=AccountNow,
    example=_ACCOUNT,
    statuses=(404, 503),
    summary="Cash, equity, and what stops trading",
)
def get_account(ask: Ask) -> Response:
    """The account as it was recorded last; what the broker says this moment, `ats orders status` asks it."""
    with ask.service.trading.begin() as connection:
        found = account_now(connection, ask.deployment)
    if found is None:
        raise not_found(
            "nothing was traded yet: ats trade makes the first session's orders, on the embedded paper broker unless settings say otherwise"
        )
    return ask.answer(lambda: found)


@ROUTES.get("/portfolio/positions", role=Role.READ, model=PositionsNow, example=_POSITIONS, statuses=(503,), summary="What is held")
def get_positions(ask: Ask) -> Response:
    """The positions of the newest snapshot with the fills since; empty where nothing was ever traded."""
    session, closes = newest_closes(ask.deployment)
    with ask.service.trading.begin() as connection:
        at, rows = positions_now(connection, closes, session)
    return ask.answer(lambda: {"data": rows, "next": None, "session": session, "at": at})
