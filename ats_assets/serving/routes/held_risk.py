"""How risky what is held is."""

from datetime import date
from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

from ats_assets.serving.queries.held_risk import KeptReturns, held_risk, risk_sessions
from ats_assets.serving.queries.portfolio_now import newest_closes, positions_now
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("portfolio")


class ShareOfVariance(BaseModel):
    """What a position adds to the variance."""

    symbol: str
    share: float = Field(description="of the whole; they sum to 1, and one that offsets others is negative")


class CorrelationMatrix(BaseModel):
    """How the largest positions move together."""

    symbols: list[str]
    matrix: list[list[float | None]] = Field(description="-1 to 1; null: too few sessions in common")


class HeldRisk(BaseModel):
    """The risk of what is held now, by the returns that its weights would have had."""

    sessions: int = Field(description="returns that were looked at")
    first: date | None
    last: date | None
    without_bars: list[str] = Field(description="held symbols that are in no figure")
    volatility_year: float | None = Field(description="standard deviation of a session times the root of 252, as a share of equity")
    value_at_risk_95: float | None = Field(description="return of a session that 5 in 100 fall below; negative for a loss")
    expected_shortfall_95: float | None = Field(description="mean of those 5")
    beta: float | None = Field(description="to the mean return of all symbols")
    contributions: list[ShareOfVariance]
    correlation: CorrelationMatrix


_EXAMPLE: dict[str, Any] = {
    "sessions": 252,
    "first": "2022-12-30",
    "last": "2023-12-29",
    "without_bars": [],
    "volatility_year": 0.182,
    "value_at_risk_95": -0.017,
    "expected_shortfall_95": -0.024,
    "beta": 0.93,
    "contributions": [{"symbol": "SYN0007", "share": 0.21}],
    "correlation": {"symbols": ["SYN0007"], "matrix": [[1.0]]},
}


@ROUTES.get("/portfolio/risk", role=Role.READ, model=HeldRisk, example=_EXAMPLE, statuses=(503,), summary="How risky what is held is")
def get_risk(ask: Ask) -> Response:
    """Volatility, value at risk, expected shortfall, beta, each position's share of the variance, and correlations. Of symbols with bars."""
    deployment = ask.deployment
    session, closes = newest_closes(deployment)
    with ask.service.trading.begin() as connection:
        _, held = positions_now(connection, closes, session)
    weights = {row["symbol"]: row["weight"] for row in held if row["weight"] is not None}
    days = risk_sessions(deployment)
    version = deployment.of(KeptReturns).version(days) + repr(sorted(weights.items()))
    return ask.answer(lambda: held_risk(deployment, weights, days), version=version)
