"""Runs the service: one process, one event loop, on one socket."""

import importlib
import logging
import socket
import sys
from typing import TYPE_CHECKING

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.serving.access_log import access
from ats_assets.serving.served import is_loopback
from ats_assets.settings import ServingSettings

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI


def serve(deployment: Deployment) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises
    ------
    SettingsError
        If the libraries are missing, or the address can't be taken.
    """
    uvicorn = _library("uvicorn")
    _library("fastapi")
    from ats_assets.serving.app import make_app  # noqa: PLC0415 - needs the extra

    settings = deployment.settings.serving
    app = make_app(deployment)
    listening = _listen(settings.host, settings.port)
    host, port = listening.getsockname()[:2]
    config = server_config(app, settings)
    _log_to_standard_error(settings)
    for line in told_at_start(deployment, host, port):
        sys.stderr.write(line + "\n")
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _log_to_standard_error(settings: ServingSettings) -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    access.setLevel(logging.INFO if settings.access_log else logging.WARNING)


def server_config(app: "FastAPI", settings: ServingSettings) -> "uvicorn.Config":
    """How Uvicorn serves it."""
    import uvicorn  # noqa: PLC0415 - needs the extra

    from ats_assets.serving.stream.websocket_protocol import LettingGo  # noqa: PLC0415 - likewise

    return uvicorn.Config(
        app,
        access_log=False,  # the gate writes one, without queries
        log_level="warning",
        limit_concurrency=settings.max_connections,
        proxy_headers=settings.https,
        server_header=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=75,
        ws=LettingGo,
        ws_max_size=settings.stream.max_message_bytes,
        ws_per_message_deflate=False,  # a message is serialised once for all: compressing it for each would cost more than it saves
    )


def told_at_start(deployment: Deployment, host: str, port: int) -> list[str]:
    """What whoever starts the service should know."""
    app_settings = deployment.settings.serving
    shown = f"[{host}]" if ":" in host else host
    lines = [f"ats serve: http://{shown}:{port}/ (Ctrl-C ends it)"]
    from ats_assets.serving.keys import KeyStore  # noqa: PLC0415

    keys = KeyStore(deployment.settings.storage.data).all()
    if not keys and app_settings.open_reading and is_loopback(app_settings.host):
        lines.append("ats serve: reading is open to this machine until the first key is made: ats serve key add NAME --role read")
    elif not keys:
        lines.append("ats serve: there is no key yet, so nobody can ask anything: ats serve key add NAME --role read")
    if not is_loopback(app_settings.host) and not app_settings.https:
        lines.append("ats serve: keys go over the network as they are: put a proxy with TLS in front, and set serving.https")
    if app_settings.writes:
        lines.append("ats serve: requests are taken (serving.writes), with a key of the role trade or admin")
    return lines


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"{host}:{port} can't be listened on ({error.strerror or error}): another program may use it; choose another with --port"
        ) from None


def _library(name: str):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SettingsError(f"ats serve needs {name} ({error}): pip install 'ats-assets[api]'") from None
