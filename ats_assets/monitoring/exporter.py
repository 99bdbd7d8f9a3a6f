"""The metrics over HTTP, for a Prometheus that comes by: a process of its own, which trades nothing, writes nothing, and may be stopped at any time."""

import logging
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.monitoring.exposition import CONTENT_TYPE, Clock, Exposition
from ats_assets.secrecy import redacted

CLIENT_SECONDS = 10
"""For which a connection may say nothing."""
PAGE = b"<!doctype html><html lang=en><title>ats exporter</title><p><a href=/metrics>/metrics</a></html>"
log = logging.getLogger(__name__)


class Exporter(ThreadingHTTPServer):
    """Answers `/metrics`, `/health` and `/`; anything else is 404.

    Parameters
    ----------
    host, port
        Where it listens; port 0: any free one, which `server_address` has.
    market_now
        As of an `Exposition`.

    Raises
    ------
    AtsError
        If the address is taken or not this machine's.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, deployment: Deployment, host: str, port: int, *, market_now: Clock | None = None) -> None:
        self.exposition = Exposition(deployment, market_now=market_now)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Answer)
        except OSError as error:
            raise AtsError(f"can't listen on {host}:{port} ({error.strerror}): choose another --port or --host") from error

    def warm(self) -> None:
        """Read all that is read once, so that the first scrape is as fast as the others.

        Raises
        ------
        SettingsError
            If the library of the extra `metrics` is not installed.
        """
        self.exposition.text()

    @override
    def server_close(self) -> None:
        """Close the socket, and the connections to databases."""
        super().server_close()
        self.exposition.close()

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nobody's fault."""
        log.debug("a scrape was not taken", exc_info=True)


class _Answer(BaseHTTPRequestHandler):
    server: Exporter  # pyright: ignore[reportIncompatibleVariableOverride]
    server_version, sys_version = "ats", ""
    protocol_version = "HTTP/1.0"  # a connection a scrape: none outlives the server that it was made to
    timeout = CLIENT_SECONDS

    def do_GET(self) -> None:
        """Answer."""
        answers: dict[str, tuple[str, Callable[[], bytes]]] = {
            "/metrics": (CONTENT_TYPE, self.server.exposition.text),
            "/health": ("text/plain", lambda: b"ok\n"),
            "/": ("text/html; charset=utf-8", lambda: PAGE),
        }
        found = answers.get(self.path.partition("?")[0])
        if found is None:
            self._send(404, "text/plain", b"there are /metrics and /health\n")
            return
        kind, make = found
        try:
            self._send(200, kind, make())
        except AtsError as error:
            self._send(500, "text/plain", f"{redacted(str(error))}\n".encode())

    def do_HEAD(self) -> None:
        """The same without its content."""
        self.do_GET()

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)
