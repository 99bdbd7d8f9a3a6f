"""Who asks, and the sessions of browsers."""

from typing import Annotated, Any

from fastapi import Body, Response
from pydantic import BaseModel, Field

from ats_assets.serving.browser_sessions import COOKIE, csrf_token
from ats_assets.serving.gate import caller_with
from ats_assets.serving.queries.portfolio_now import money_at_stake
from ats_assets.serving.roles import Caller, Role
from ats_assets.serving.routing import PREFIX, Ask, AskedOf, Routes

ROUTES = Routes("callers", prefix="")


class Me(BaseModel):
    """Who asks."""

    name: str = Field(description="of the key")
    role: Role
    csrf_token: str | None = Field(description="of a browser's session: what a page writes carries it as X-CSRF-Token")
    money: str = Field(description="paper or live: what an order costs")
    writes: bool = Field(description="whether the service takes requests at all (serving.writes)")


class Login(BaseModel):
    """A key."""

    key: str = Field(max_length=200, description="an API key, of `ats serve key add`")


_ME = {"name": "laptop", "role": "read", "csrf_token": None, "money": "paper", "writes": False}


def _told(ask: AskedOf, caller: Caller, token: str | None) -> dict[str, Any]:
    money = money_at_stake(ask.deployment.settings)
    return {"name": caller.name, "role": caller.role, "csrf_token": token, "money": money, "writes": ask.service.settings.writes}


@ROUTES.get(f"{PREFIX}/me", role=Role.READ, model=Me, example=_ME, summary="Who asks")
def get_me(ask: Ask) -> Response:
    """The name and role of the key, and the CSRF token of a browser's session."""
    caller = ask.caller
    token = csrf_token(caller.session) if caller.session else None
    return ask.answer(lambda: _told(ask, caller, token))


@ROUTES.post("/login", role=Role.PUBLIC, model=Me, example=_ME | {"csrf_token": "9f2c…"}, summary="Log a browser in")
def post_login(ask: Ask, login: Annotated[Login, Body(examples=[{"key": "ats_0123456789ab_…"}])]) -> Response:
    """Give a browser the cookie of a session (HttpOnly, SameSite=Strict) for a key."""
    caller = caller_with(ask.service, login.key, ask.caller.address)
    sessions = ask.service.sessions
    token = sessions.begin(caller.key_id)
    answer = ask.answer(lambda: _told(ask, caller, csrf_token(token)))
    answer.headers["cache-control"] = "no-store"
    secure = ask.service.settings.https
    answer.set_cookie(COOKIE, token, max_age=sessions.seconds, httponly=True, samesite="strict", secure=secure, path="/")
    return answer


@ROUTES.post("/logout", role=Role.READ, example={"status": "logged out"}, summary="Log a browser out")
def post_logout(ask: Ask) -> Response:
    """End the session of the cookie."""
    if ask.caller.session:
        ask.service.sessions.end(ask.caller.session)
    answer = ask.answer(lambda: {"status": "logged out"})
    answer.delete_cookie(COOKIE, path="/")
    return answer
