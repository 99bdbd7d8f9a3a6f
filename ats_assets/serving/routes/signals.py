"""Signals: of a session, and of a symbol over time."""

from datetime import date
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from ats_assets.serving.pages import Cursor, Limit, before_session, encoded_cursor, slice_of
from ats_assets.serving.problems import not_found
from ats_assets.serving.queries.stored_signals import newest_signals, signal_assets, signal_history, signals_answer, signals_version
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("signals")
_SESSIONS, _MOST_SESSIONS = 60, 500
"""Of a symbol's history: in a page by default, and at most."""
Symbol = Annotated[str, Path(min_length=1, max_length=64, description="as in the bars")]
Strategy = Annotated[str | None, Query(max_length=64, description="one of [strategies]; default: all, in the order of the settings")]


class Signal(BaseModel):
    """What a strategy wants of a symbol, and what became of it."""

    strategy: str
    symbol: str
    rank: int | None = Field(description="1 is the best of the strategy")
    score: float | None = Field(description="of the model; null where the strategy has none")
    direction: str = Field(description="long, short or flat")
    probability: float | None = Field(description="that the direction is right, calibrated; null without enough history")
    signal_weight: float | None = Field(description="what the strategy wants, as a share of its capital")
    target_weight: float | None = Field(
        description="what is to be held, after all strategies and risk rules, as a share of equity; null: no targets"
    )
    reasons: list[str] | None = Field(description="of each risk rule that changed the weight")
    expected_return: float | None = Field(description="of the model, where [confidence] makes intervals")
    lower: float | None = Field(description="of the return's interval")
    upper: float | None
    confidence: float | None = Field(description="share of past errors with which the return has the sign that is expected")
    model_session: date | None = Field(description="at whose close the model was fitted")


class SignalsOfSession(BaseModel):
    """The signals of a session, best first."""

    data: list[Signal]
    next: str | None = Field(description="cursor of the next page")
    session: date = Field(description="at whose close they were made")
    data_version: str
    for_open_of: date = Field(description="the session that they are for")
    opens_at: str
    model_session: date | None
    champion: str | None = Field(description="the model whose scores they are, where there are several")
    holding_sessions: int


class SignalOfDay(Signal):
    """A signal in a symbol's history."""

    session: date


class SymbolSignals(BaseModel):
    """The signals of a symbol, the newest first."""

    data: list[SignalOfDay]
    next: str | None
    session: date | None = None
    data_version: str


_SIGNAL: dict[str, Any] = {
    "strategy": "model_scores",
    "symbol": "SYN0049",
    "rank": 1,
    "score": 0.1068,
    "direction": "long",
    "probability": 0.522,
    "signal_weight": 0.1,
    "target_weight": 0.06,
    "reasons": [],
    "expected_return": None,
    "lower": None,
    "upper": None,
    "confidence": None,
    "model_session": "2023-12-01",
}
_SIGNALS = {
    "data": [_SIGNAL],
    "next": None,
    "session": "2023-12-29",
    "data_version": "5f0c…",
    "for_open_of": "2024-01-02",
    "opens_at": "2024-01-02T14:30:00Z",
    "model_session": "2023-12-01",
    "champion": None,
    "holding_sessions": 5,
}
_HISTORY = {"data": [_SIGNAL | {"session": "2023-12-29"}], "next": None, "session": None, "data_version": "5f0c…"}


@ROUTES.get(
    "/signals", role=Role.READ, model=SignalsOfSession, example=_SIGNALS, statuses=(404, 409, 503), summary="The signals of a session"
)
def get_signals(
    ask: Ask,
    session: Annotated[date | None, Query(description="at whose close they were made; default: the newest")] = None,
    strategy: Strategy = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response:
    """Score, direction, probability and interval of each symbol, what its strategy wants, and what is to be held after the risk rules, with their reasons."""
    deployment = ask.deployment
    if strategy is not None and strategy not in deployment.signals:
        raise not_found(f"there is no strategy {strategy!r}: choose one of {', '.join(deployment.signals)}")
    page = ask.page(limit, cursor)
    newest = newest_signals(deployment, session)
    files = ask.files_of(newest, *signal_assets(deployment))
    version = signals_version(deployment, newest)

    def content() -> dict[str, Any]:
        found = signals_answer(deployment, newest, strategy)
        rows, following = slice_of(found.pop("signals"), page, version)
        return {"data": rows, "next": following, "data_version": version, **found}

    return ask.answer(content, version=version, files=files)


@ROUTES.get(
    "/signals/{symbol:path}",
    role=Role.READ,
    model=SymbolSignals,
    example=_HISTORY,
    statuses=(404, 503),
    summary="The signals of a symbol over time",
)
def get_signals_of_symbol(ask: Ask, symbol: Symbol, strategy: Strategy = None, limit: Limit = None, cursor: Cursor = None) -> Response:
    """The newest session first; pages go back in time."""
    deployment = ask.deployment
    if strategy is not None and strategy not in deployment.signals:
        raise not_found(f"there is no strategy {strategy!r}: choose one of {', '.join(deployment.signals)}")
    page = ask.page(min(limit or _SESSIONS, _MOST_SESSIONS), cursor)
    found = signal_history(deployment, symbol, strategy, before=before_session(page), sessions=page.limit)
    if not found.rows and not page.after:
        raise not_found(f"{symbol} has no signal in the newest {page.limit} sessions: /api/v1/symbols lists the symbols that there are")
    following = encoded_cursor(before=found.before) if found.before else None
    return ask.answer(
        lambda: {"data": found.rows, "next": following, "session": None, "data_version": found.version}, version=found.version
    )
