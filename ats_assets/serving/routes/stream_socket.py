"""The stream of what changes, over WebSocket. The gate has looked at Host, Origin, cookie and headers before."""

from starlette.websockets import WebSocket

from ats_assets.errors import AtsError
from ats_assets.serving.gate import CALLER, caller_with
from ats_assets.serving.keys import WrongKeyError
from ats_assets.serving.roles import NOBODY, OPEN, Caller, Role
from ats_assets.serving.routing import ROLE, Routes
from ats_assets.serving.served import Service
from ats_assets.serving.stream.conversation import Doorkeeper, converse

ROUTES = Routes("stream")


async def serve_stream(websocket: WebSocket) -> None:
    """Topics as they change (docs/stream.md). Who has shown no key yet may do so in the first message."""
    service: Service = websocket.app.state.service
    known: Caller = websocket.scope.get(CALLER, NOBODY)
    door = Doorkeeper(
        known=known,
        recognised=lambda key: caller_with(service, key, known.address),
        still=lambda caller: _still(service, caller),
    )
    await converse(websocket, service.stream, door, service.settings.stream)


ROUTES.router.add_api_websocket_route("/stream", serve_stream)
ROUTES.router.routes[-1].openapi_extra = {ROLE: Role.READ.value}  # pyright: ignore[reportAttributeAccessIssue]


def _still(service: Service, caller: Caller) -> Caller:
    """Who that is by now: nobody once the key, the browser's session or open reading has ended."""
    try:
        if caller.session and service.sessions.key_id(caller.session) != caller.key_id:
            return NOBODY
        if caller.key_id:
            return service.keys.caller_of_id(caller.key_id)
    except (WrongKeyError, AtsError):
        return NOBODY
    return NOBODY if caller.name == OPEN.name and not service.reads_openly else caller
