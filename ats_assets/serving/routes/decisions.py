"""What was predicted, what is wanted and why, and how well it was executed."""

from datetime import date
from typing import Annotated

import polars as pl
from fastapi import Query, Response
from pydantic import create_model

from ats_assets.intervals.schema import INTERVALS
from ats_assets.portfolio.schema import HELD_TARGETS_SCHEMA
from ats_assets.serving.pages import Cursor, Limit
from ats_assets.serving.problems import not_found
from ats_assets.serving.queries.session_rows import newest_stored
from ats_assets.serving.queries.stored_predictions import TRADED, prediction_assets, predictions_of
from ats_assets.serving.queries.versions_read import joint_version
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes
from ats_assets.serving.row_models import page_example, page_model, row_example, row_model

ROUTES = Routes("decisions")
AtSession = Annotated[date | None, Query(description="default: the newest that is stored")]
_OfSymbol = Annotated[str | None, Query(max_length=64, description="of one symbol alone")]

_PREDICTION = {"symbol": pl.String, "score": pl.Float64, "model_session": pl.Date} | dict.fromkeys(
    ("expected_return", "lower", "upper", "level", "confidence"), pl.Float64
)
_TARGET = {name: kind for name, kind in HELD_TARGETS_SCHEMA.items() if name != "session"}
_QUALITY = {
    **dict.fromkeys(("client_order_id", "symbol", "side"), pl.String),
    **dict.fromkeys(("ordered", "filled", "fill_rate"), pl.Float64),
    **dict.fromkeys(("status", "reason"), pl.String),
    **dict.fromkeys(("average_price", "fees", "decision_price", "arrival_price", "vwap_price"), pl.Float64),
    **dict.fromkeys(("slippage_decision_bps", "slippage_arrival_bps", "slippage_vwap_bps", "latency_seconds"), pl.Float64),
}
"""The columns of `execution_quality` but for its session: what sends orders is not imported here."""
_TOLD = {
    "score": "of the model",
    "expected_return": "over the horizon; null where [confidence] makes no intervals",
    "lower": "of the interval of the return",
    "level": "share of returns that the interval is to hold",
    "target_weight": "share of equity to hold, after the risk rules",
    "proposed_weight": "before the risk rules",
    "strategies": "that have a signal for the symbol, or hold it without signals",
    "allowed_change": "of the position: any, smaller, or none; null where what strategies without signals hold is not looked at",
    "reasons": "of each risk rule that changed the weight: its name, and why",
    "slippage_decision_bps": "against the close that it was decided at; positive where it cost money",
    "slippage_arrival_bps": "against the session's open",
    "latency_seconds": "to the first execution",
}


@ROUTES.get(
    "/predictions",
    role=Role.READ,
    model=create_model(
        "PredictionPage", __base__=page_model("PredictionRows", row_model("PredictionRow", _PREDICTION, _TOLD)), model=(str, ...)
    ),
    example=page_example([row_example(_PREDICTION)], model=TRADED),
    statuses=(404, 409, 503),
    summary="Predictions with their intervals",
)
def get_predictions(
    ask: Ask,
    *,
    session: AtSession = None,
    model: Annotated[str, Query(max_length=64, description="of [models], the ensemble, or traded: what signals are made of")] = TRADED,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response:
    """The scores of a session, the best first."""
    assets = prediction_assets(ask.deployment)
    if model not in assets:
        raise not_found(f"nothing called {model!r} predicts: choose one of {', '.join(assets)}")
    day = newest_stored(ask.deployment, assets[model], session)
    files = ask.files_of(day, assets[model], INTERVALS)
    version = joint_version(ask.deployment, ((assets[model], day), (INTERVALS, day)))
    page = ask.page(limit, cursor)
    return ask.listing(
        lambda: predictions_of(ask.deployment, assets[model], day), page, version=version, session=day, beside={"model": model}, files=files
    )


@ROUTES.get(
    "/targets",
    role=Role.READ,
    model=page_model("TargetPage", row_model("TargetRow", _TARGET, _TOLD)),
    example=page_example([row_example(_TARGET, reasons=["max_weight: 12% is more than 10%"])]),
    statuses=(404, 409, 503),
    summary="What is to be held, with the reason of each change",
)
def get_targets(ask: Ask, *, session: AtSession = None, symbol: _OfSymbol = None, limit: Limit = None, cursor: Cursor = None) -> Response:
    """The weights after allocation and risk rules, which everything that trades follows; the largest first."""
    columns = [*HELD_TARGETS_SCHEMA]  # the last one is null where a partition has none
    return _rows(ask, "targets", session, symbol, limit=limit, cursor=cursor, by=pl.col("target_weight").abs(), columns=columns)


@ROUTES.get(
    "/execution",
    role=Role.READ,
    model=page_model("ExecutionPage", row_model("ExecutionRow", _QUALITY, _TOLD)),
    example=page_example([row_example(_QUALITY)]),
    statuses=(404, 409, 503),
    summary="Execution quality",
)
def get_execution(ask: Ask, *, session: AtSession = None, symbol: _OfSymbol = None, limit: Limit = None, cursor: Cursor = None) -> Response:
    """What the orders of a session came to: fill rate, prices, and slippage against the decision, the open and the VWAP."""
    return _rows(ask, "execution_quality", session, symbol, limit=limit, cursor=cursor, by=pl.col("ordered") * pl.col("decision_price"))


def _rows(
    ask: Ask,
    asset: str,
    session: date | None,
    symbol: str | None,
    *,
    limit: int | None,
    cursor: str | None,
    by: pl.Expr,
    columns: list[str] | None = None,
) -> Response:
    day = newest_stored(ask.deployment, asset, session)
    files = ask.files_of(day, asset)
    version = joint_version(ask.deployment, [(asset, day)])

    def rows() -> list[dict[str, object]]:
        frame = ask.deployment.warehouse.read(asset, [day], columns).drop("session")
        frame = frame.sort(by, "symbol", descending=[True, False], nulls_last=True)
        return (frame if symbol is None else frame.filter(symbol=symbol)).to_dicts()

    return ask.listing(rows, ask.page(limit, cursor), version=version, session=day, files=files)
