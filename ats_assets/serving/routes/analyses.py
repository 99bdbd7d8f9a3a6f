"""What is stored to judge backtests, models and data by."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from ats_assets.serving.queries.analyses import ANALYSES, analysed
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("analyses")
_Names = Literal[
    "segments",
    "regimes",
    "knowledge",
    "monte-carlo",
    "active-return",
    "strategies",
    "cross-validation",
    "skill",
    "drift",
    "importance",
    "quarantine",
    "bar-gaps",
]


class AnalysisTold(BaseModel):
    """An analysis, or what makes it."""

    name: str
    title: str
    stored: bool
    what_to_do: str | None = Field(description="where it is not stored: the setting and the command that make it")
    facts: dict[str, Any] = Field(description="what is true of the whole, such as a verdict in words")
    tables: dict[str, list[dict[str, Any]]] = Field(description="name -> rows, whose columns the page of the report tells (docs/report.md)")


_SEGMENT = {
    "model_session": "2023-12-01",
    "first": "2023-12-04",
    "last": "2023-12-20",
    "sessions": 13,
    "rank_ic": 0.031,
    "t_statistic": 1.4,
    "positive_share": 0.62,
    "account_return": 0.012,
}
_EXAMPLE = {
    "name": "segments",
    "title": "Walk-forward segments",
    "stored": True,
    "what_to_do": None,
    "facts": {"horizon_sessions": 5},
    "tables": {"segments": [_SEGMENT]},
}


@ROUTES.get(
    "/analyses/{analysis}", role=Role.READ, model=AnalysisTold, example=_EXAMPLE, statuses=(503,), summary="What there is to judge by"
)
def get_analysis(
    ask: Ask,
    analysis: Annotated[_Names, Path()],
    sessions: Annotated[int, Query(ge=1, le=5_040, description="so many of the newest")] = 1_260,
) -> Response:
    """Walk-forward segments, regimes, Monte Carlo, strategies, skill, drift, importance, quarantined rows and so on; one that is not stored says what makes it."""
    return ask.answer(lambda: analysed(ask.deployment, analysis, ANALYSES[analysis], sessions))
