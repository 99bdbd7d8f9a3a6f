"""Models: which are active, how good they are, which is champion, and who decided it."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from ats_assets.promotions.decision_journal import effective_session, journal_of
from ats_assets.serving.pages import Cursor, Limit, slice_of
from ats_assets.serving.problems import not_found
from ats_assets.serving.queries.known_models import champion_titles, known_models, model_facts
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("models")


class ModelTold(BaseModel):
    """A model or ensemble of the settings."""

    name: str
    kind: str
    status: str = Field(description="fitted, unavailable, not stored, or ensemble")
    fitted_session: date | None
    age_sessions: int | None
    model_sha256: str | None
    validation_rank_ic: float | None
    rank_ic: float | None = Field(description="out of sample, where several were compared")
    judged_sessions: int
    is_champion: bool
    reason: str = Field(description="why it is champion or not, or why there is no model")


class ModelList(BaseModel):
    """Every model of the settings."""

    data: list[ModelTold]
    next: None = None


class ModelFacts(BaseModel):
    """All that is known of a model."""

    model_config = ConfigDict(extra="allow")
    name: str
    learner: str
    status: str
    reason: str | None
    fitted_session: date | None
    sha256: str | None
    figures: dict[str, Any]
    parameters: dict[str, Any] | None
    champion: bool
    why: str


class PromotionTold(BaseModel):
    """What a person decided."""

    action: str
    model: str
    who: str
    reason: str
    known_at: datetime
    effective: date | None = Field(description="from which session on; null: beyond the calendar")


class TitleTold(BaseModel):
    """Since when a model is champion."""

    session: date
    model: str
    reason: str


class Promotions(BaseModel):
    """What persons decided, the newest first, and how the title went."""

    data: list[PromotionTold]
    next: str | None
    titles: list[TitleTold] = Field(description="each change of the champion, the newest first; empty with a single model")


_MODEL: dict[str, Any] = {
    "name": "lightgbm",
    "kind": "lightgbm",
    "status": "fitted",
    "fitted_session": "2023-12-01",
    "age_sessions": 19,
    "model_sha256": "a09f…",
    "validation_rank_ic": 0.051,
    "rank_ic": None,
    "judged_sessions": 0,
    "is_champion": True,
    "reason": "the only model",
}
_FACTS: dict[str, Any] = {
    "name": "lightgbm",
    "learner": "lightgbm",
    "status": "fitted",
    "reason": None,
    "fitted_session": "2023-12-01",
    "sha256": "a09f…",
    "figures": {"validation_rank_ic": 0.051, "best_iteration": 87},
    "parameters": {"num_leaves": 31},
    "champion": True,
    "why": "the only model",
}
_DECISION = {
    "action": "promote",
    "model": "ridge",
    "who": "ada",
    "reason": "steadier out of sample",
    "known_at": "2023-12-28T15:00:00Z",
    "effective": "2023-12-28",
}
_TITLE = {"session": "2023-12-28", "model": "ridge", "reason": "promoted by ada: steadier out of sample"}


@ROUTES.get("/models", role=Role.READ, model=ModelList, example={"data": [_MODEL], "next": None}, statuses=(503,), summary="Models")
def get_models(ask: Ask) -> Response:
    """Which version of each is active, how good it is, and which is champion."""
    return ask.answer(lambda: {"data": [asdict(one) for one in known_models(ask.deployment)], "next": None})


@ROUTES.get("/models/{name}", role=Role.READ, model=ModelFacts, example=_FACTS, statuses=(404, 503), summary="A model")
def get_model(
    ask: Ask,
    name: Annotated[str, Path(min_length=1, max_length=64)],
    session: Annotated[date | None, Query(description="that was active at this session; default: the newest")] = None,
) -> Response:
    """The fit, what it learnt, its figures, versions and files, and its place among the others."""
    fitted = [one.removesuffix("_model") for one in ask.deployment.models if one not in ask.deployment.drift_refits.values()]
    if name not in fitted:
        raise not_found(f"there is no model {name!r}: choose one of {', '.join(fitted)}")
    if session is not None:
        ask.deployment.calendar.position(session)
    return ask.answer(lambda: model_facts(ask.deployment, name, session))


@ROUTES.get(
    "/promotions",
    role=Role.READ,
    model=Promotions,
    example={"data": [_DECISION], "next": None, "titles": [_TITLE]},
    statuses=(409, 503),
    summary="Promotions, rollbacks and titles",
)
def get_promotions(ask: Ask, limit: Limit = None, cursor: Cursor = None) -> Response:
    """What persons decided, and how the title of champion went from model to model, with the reasons."""
    calendar = ask.deployment.calendar
    decisions = ask.deployment.of(journal_of).decisions()
    rows = [asdict(one) | {"effective": effective_session(calendar, one.known_at)} for one in reversed(decisions)]
    data, following = slice_of(rows, ask.page(limit, cursor), f"{len(rows):016d}")
    return ask.answer(lambda: {"data": data, "next": following, "titles": champion_titles(ask.deployment)})
