"""Where a target or an order comes from, down to the vendor's delivery."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from ats_assets.lineage.explaining import Explaining
from ats_assets.lineage.index import LineageIndex
from ats_assets.predictions.score_explanation import explain_score
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("lineage")


class ContributionTold(BaseModel):
    """What one feature added to the score."""

    feature: str
    value: float | None
    percentile: float | None = Field(description="of the value within the universe")
    contribution: float


class ScoreTold(BaseModel):
    """The score as a sum of the features' contributions."""

    model: str
    model_session: date
    score: float | None
    base: float | None
    contributions: list[ContributionTold]
    champion: str
    note: str = Field(description="why there are no contributions, if there are none")


class ExplainedPartition(BaseModel):
    """A partition, or a window of partitions that were read together, and what it was made from."""

    model_config = ConfigDict(extra="allow")
    asset: str
    notes: list[str]
    made_from: list["ExplainedPartition"]


class LineageTold(ExplainedPartition):
    """The target or order of a symbol, with everything that it was made from, down to the deliveries."""

    symbol: str
    session: str
    score: ScoreTold | None


_MADE: dict[str, Any] = {
    "asset": "targets",
    "session": "2023-12-29",
    "path": "warehouse/synthetic/targets/session=2023-12-29/data.parquet",
    "data_version": "5f0c…",
    "code_version": "91ab…",
    "settings_version": "77e0…",
    "notes": [],
    "row": {"target_weight": 0.06},
    "made_from": [],
}
_SCORE = {
    "model": "lightgbm_model",
    "model_session": "2023-12-01",
    "score": 0.1068,
    "base": 0.001,
    "contributions": [{"feature": "ROC20", "value": 0.94, "percentile": 0.03, "contribution": 0.021}],
    "champion": "",
    "note": "",
}


@ROUTES.get(
    "/lineage/{symbol:path}/{session}",
    role=Role.READ,
    model=LineageTold,
    example={"symbol": "SYN0049", **_MADE, "score": _SCORE},
    statuses=(404, 503),
    summary="Why this target, why this order",
)
def get_lineage(
    ask: Ask,
    symbol: Annotated[str, Path(min_length=1, max_length=64)],
    session: Annotated[date, Path(description="at whose close it was decided")],
    order: Annotated[bool, Query(description="explain the order that was planned at that close, too")] = False,
) -> Response:
    """What `ats explain` tells: the target, signals, model, training data, features, bars and deliveries, with versions and files, and what each feature added to the score."""
    ask.deployment.calendar.position(session)
    index = LineageIndex(ask.deployment)
    index.refresh(full=False)
    explaining = Explaining(ask.deployment, index.entries())
    explained = (explaining.order if order else explaining.target)(symbol, session.isoformat())
    score = explain_score(ask.deployment, symbol, session)
    return ask.answer(lambda: {"symbol": symbol, **asdict(explained), "score": asdict(score) if score else None})
