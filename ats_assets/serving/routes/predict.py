"""What a saved model says: of a stored session, or of rows that the caller brings."""

from datetime import date
from typing import Annotated, Any

import polars as pl
from fastapi import Body, Response
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from ats_assets.errors import ModelError
from ats_assets.serving.problems import Problem, not_found
from ats_assets.serving.queries.saved_models import SavedModelPredictions, predictions_of_rows, predictions_of_session
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, AskedOf, Routes

ROUTES = Routes("predict")
MOST_ROWS = 20_000
_Name = Annotated[str, Field(min_length=1, max_length=64)]


class RowToPredict(BaseModel):
    """The features of a symbol, as /api/v1/features/{family} tells them."""

    model_config = ConfigDict(extra="forbid")
    symbol: _Name
    session: date | None = Field(default=None, description="needed by models of sequences, which look at the rows before")
    values: dict[str, FiniteFloat | None] = Field(description="feature -> value; null: missing. Others than the model's are passed over")


class PredictionAsked(BaseModel):
    """Of what a prediction is wanted."""

    model_config = ConfigDict(extra="forbid")
    model: _Name | None = Field(default=None, description="of [models] or [event_models], or champion; default: the first")
    session: date | None = Field(default=None, description="stored session; with rows: the model that was active then. Default: the newest")
    rows: Annotated[list[RowToPredict], Field(min_length=1, max_length=MOST_ROWS)] | None = Field(
        default=None, description="default: what is stored of the session"
    )


class PredictedRow(BaseModel):
    """A score; of a model of events its row has more."""

    model_config = ConfigDict(extra="allow")
    symbol: str
    score: float | None


class Predicted(BaseModel):
    """What the model says, and which it is."""

    data: list[PredictedRow]
    model: dict[str, Any] = Field(description="name, learner, fitted session, SHA-256 and versions")
    read: dict[str, dict[str, str]] = Field(description="asset -> session -> data version of what was read")


_ASKED = {"summary": "A stored session", "value": {"session": "2023-12-29"}}
_ROWS = {"summary": "Rows of one's own", "value": {"rows": [{"symbol": "SYN0007", "values": {"KMID": 0.0031, "KLEN": 0.0176}}]}}
_MADE = {
    "data": [{"symbol": "SYN0007", "session": "2023-12-29", "score": 0.0777, "model_session": "2023-12-01"}],
    "model": {
        "name": "lightgbm",
        "learner": "lightgbm",
        "fitted_session": "2023-12-01",
        "sha256": "a09f…",
        "versions": {"lightgbm": "4.7.0"},
    },
    "read": {"alpha158": {"2023-12-29": "5f0c…"}},
}


@ROUTES.post("/predict", role=Role.READ, model=Predicted, example=_MADE, statuses=(404, 503), summary="Predict with a saved model")
def post_predict(
    ask: Ask,
    asked: Annotated[PredictionAsked, Body(openapi_examples={"session": _ASKED, "rows": _ROWS})],  # pyright: ignore[reportArgumentType]
) -> Response:
    """The scores of a stored session, to the bit those of its asset; or of rows with the model's features, by the newest model or the one that was active at a session."""
    _require_model(ask, asked.model)
    load = ask.service.models.load
    try:
        if asked.rows is None:
            made = predictions_of_session(ask.deployment, asked.model, asked.session, load=load)
        else:
            made = predictions_of_rows(ask.deployment, asked.model, _frame(asked.rows), asked.session, of="rows", load=load)
    except ModelError as error:
        raise Problem(422, "no-prediction", str(error)) from None
    return ask.answer(lambda: _answer(made))


def _require_model(ask: AskedOf, name: str | None) -> None:
    settings = ask.deployment.settings
    known = [*settings.models, *settings.event_models, *(["champion"] if len(settings.models) > 1 else [])]
    if name is not None and name not in known:
        raise not_found(f"there is no model {name!r}: choose one of {', '.join(known)}")


def _frame(rows: list[RowToPredict]) -> pl.DataFrame:
    names = dict.fromkeys(name for row in rows for name in row.values)
    if clash := {"symbol", "session", "score"} & names.keys():
        raise Problem(422, "wrong-parameters", f"values has {min(clash)!r}, which is no feature: leave it out")
    columns: dict[str, Any] = {name: pl.Series(name, [row.values.get(name) for row in rows], pl.Float64) for name in names}
    symbols = pl.Series("symbol", [row.symbol for row in rows], pl.String)
    return pl.DataFrame([symbols, pl.Series("session", [row.session for row in rows], pl.Date), *columns.values()])


def _answer(made: SavedModelPredictions) -> dict[str, Any]:
    record = made.record
    told = {"name": record.name.removesuffix("_model"), "learner": record.learner, "fitted_session": record.fitted_session}
    return {
        "data": made.rows.to_dicts(),
        "model": {**told, "sha256": record.model_sha256, "versions": dict(record.versions)},
        "read": {asset: dict(versions) for asset, versions in made.data.items() if versions},
    }
