"""Discord's REST API and its gateway, as far as the bots use them: over TLS under their own names, so that discord.py is the client that it is everywhere.

discord.py takes a connector, which its documentation offers for proxies: here it resolves Discord's names to this machine, and trusts the double's certificate.
The gateway speaks as published: HELLO, IDENTIFY, READY, HEARTBEAT and its answer, INTERACTION_CREATE, RESUME with what was missed, RECONNECT, INVALID_SESSION; its messages are
one zlib stream a connection, where the client asks for that.
"""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ats_assets_tests.bots.telegram_double import served

TOKEN = "MTA5ODc2NTQzMjEwOTg3NjU0Mw.GxYzAb.kLmNoPqRsTuVwXyZ0123456789abcdefghijkl"
APPLICATION = "1098765432109876543"
GUILD = "2098765432109876543"
CHANNEL, DIRECT = "3098765432109876543", "4098765432109876543"
BOT = {"id": APPLICATION, "username": "ATS", "discriminator": "0000", "avatar": None, "bot": True, "global_name": None}
_EPOCH = 1420070400000


@dataclass
class Connection:
    """One connection of the gateway."""

    socket: web.WebSocketResponse
    stream: Any
    heartbeats: int = 0

    async def send(self, op: int, data: Any = None, *, sequence: int | None = None, event: str | None = None) -> None:
        text = json.dumps({"op": op, "d": data, "s": sequence, "t": event})
        if self.stream is None:
            await self.socket.send_str(text)
        else:
            await self.socket.send_bytes(self.stream.compress(text.encode()) + self.stream.flush(zlib.Z_SYNC_FLUSH))


@dataclass
class DiscordDouble:
    """The service."""

    port: int = 0
    commands: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Where -> the commands that were sent."""
    sent: list[dict[str, Any]] = field(default_factory=list)
    """What the bot said: how, text, components, files, whether for one person alone."""
    identified: int = 0
    resumed: list[int] = field(default_factory=list)
    """The sequence numbers from which sessions were resumed."""
    acknowledged: list[str] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    refuses_token: bool = False
    gives_up: set[str] = field(default_factory=set)
    """Interactions for which three seconds are over."""
    late: int = 0
    """How many interactions were acknowledged too late."""
    heartbeat_ms: int = 41250
    _events: list[tuple[str, Any]] = field(default_factory=list)
    _next: int = 1
    _session: str = "a-session"

    def snowflake(self, at: dt.datetime | None = None) -> str:
        """An id, which holds the time when it was made."""
        self._next += 1
        milliseconds = int((at or dt.datetime.now(dt.UTC)).timestamp() * 1000)
        return str((milliseconds - _EPOCH << 22) + self._next)

    async def command(
        self, name: str, *, sender: int = 101, guild: bool = False, at: dt.datetime | None = None, **options: Any
    ) -> dict[str, Any]:
        """Somebody gives a slash command; the interaction."""
        told = [{"name": key, "type": 4 if isinstance(value, int) else 3, "value": value} for key, value in options.items()]
        data = {"id": "55", "name": name, "type": 1, "options": told}
        return await self._interact(2, data, sender, guild=guild, at=at)

    async def press(self, custom_id: str, *, sender: int = 101, message: dict[str, Any], guild: bool = False) -> dict[str, Any]:
        """Somebody presses a button."""
        return await self._interact(3, {"custom_id": custom_id, "component_type": 2}, sender, guild=guild, message=message)

    async def _interact(
        self, kind: int, data: Any, sender: int, *, guild: bool, at: dt.datetime | None = None, **more: Any
    ) -> dict[str, Any]:
        id_ = self.snowflake(at)
        user = {"id": str(sender), "username": "ada", "discriminator": "0", "avatar": None, "global_name": "Ada", "bot": False}
        interaction: dict[str, Any] = {
            "id": id_,
            "application_id": APPLICATION,
            "type": kind,
            "data": data,
            "token": f"aW50ZXJhY3Rpb246{id_}abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnop",
            "version": 1,
            "locale": "en-US",
            "entitlements": [],
            "attachment_size_limit": 10485760,
            "authorizing_integration_owners": {},
            "app_permissions": "0",
            "channel_id": CHANNEL if guild else DIRECT,
            **more,
        }
        if guild:
            member = {"user": user, "roles": [], "joined_at": "2023-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0}
            interaction |= {"guild_id": GUILD, "guild": {"id": GUILD, "locale": "en-US", "features": []}, "context": 0}
            interaction |= {"member": member | {"permissions": "0", "avatar": None}}
            interaction |= {"channel": {"id": CHANNEL, "type": 0, "name": "desk", "position": 1, "permissions": "0"}}
        else:
            interaction |= {"user": user, "context": 1, "channel": {"id": DIRECT, "type": 1, "recipients": [user]}}
        await self.dispatch("INTERACTION_CREATE", interaction)
        return interaction

    async def dispatch(self, event: str, data: Any) -> None:
        """Send an event over the newest connection; what is lost on the way comes when the session is resumed."""
        self._events.append((event, data))
        if self.connections:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self.connections[-1].send(0, data, sequence=len(self._events), event=event)

    async def said(self, part: str, *, seconds: float = 8) -> dict[str, Any]:
        """Wait until something was said; the newest that holds it."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for one in reversed(self.sent):
                        if part in one["text"]:
                            return one
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"{part!r} was not said, but: {[one['text'] for one in self.sent]}") from None

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(15):
            while not true():
                await asyncio.sleep(0.005)

    async def connected(self, times: int = 1) -> None:
        """Wait until the bot has begun or resumed so many sessions."""
        async with asyncio.timeout(15):
            while self.identified + len(self.resumed) < times:
                await asyncio.sleep(0.005)

    def connector(self) -> aiohttp.TCPConnector:
        """What discord.py connects with."""
        return aiohttp.TCPConnector(resolver=_ThisMachine(self.port), ssl=_certificate()[1])

    async def rest(self, request: web.Request) -> web.StreamResponse:
        """Answer a call of the REST API."""
        path = request.path.removeprefix("/api/v10/")
        if path in {"", "/"} and request.headers.get("Upgrade"):
            return await self.gateway(request)
        token_in_path = path.startswith(("interactions/", "webhooks/"))
        if self.refuses_token or (not token_in_path and request.headers.get("Authorization") != f"Bot {TOKEN}"):
            return _json({"message": "401: Unauthorized", "code": 0}, status=401)
        if path == "users/@me":
            return _json(BOT | {"verified": True, "mfa_enabled": False, "flags": 0, "locale": "en-US"})
        if path == "oauth2/applications/@me":
            return _json(_application())
        if path.endswith("/commands"):
            return self._commands(path, await request.json())
        if path.endswith("/callback"):
            return await self._callback(request, path.split("/")[1])
        if path.startswith("users/") and request.method == "GET":
            return _json({"id": path.split("/")[1], "username": "ada", "discriminator": "0", "avatar": None, "global_name": "Ada"})
        if path == "users/@me/channels":
            recipient = (await request.json())["recipient_id"]
            user = {"id": str(recipient), "username": "ada", "discriminator": "0", "avatar": None, "global_name": "Ada"}
            return _json({"id": DIRECT, "type": 1, "last_message_id": None, "recipients": [user]})
        return await self._message(request, path)

    def _commands(self, path: str, payload: list[dict[str, Any]]) -> web.StreamResponse:
        where = GUILD if "/guilds/" in path else "everywhere"
        assert len(payload) <= 100
        for command in payload:
            assert 1 <= len(command["description"]) <= 100
            assert command["name"] == command["name"].lower()
            options = command.get("options", [])
            assert sorted(options, key=lambda one: not one.get("required")) == options, "required options come first"
            assert all(1 <= len(one["description"]) <= 100 for one in options)
        self.commands[where] = payload
        made = [
            {"id": self.snowflake(), "application_id": APPLICATION, "version": "1", "default_member_permissions": None, **command}
            for command in payload
        ]
        return _json(made)

    async def _callback(self, request: web.Request, id_: str) -> web.StreamResponse:
        if id_ in self.gives_up or id_ in self.acknowledged:
            self.late += id_ in self.gives_up
            code, message = (
                (10062, "Unknown interaction") if id_ in self.gives_up else (40060, "Interaction has already been acknowledged.")
            )
            return _json({"message": message, "code": code}, status=404 if id_ in self.gives_up else 400)
        content = await request.json()
        self.acknowledged.append(id_)
        self._private = bool((content.get("data") or {}).get("flags", 0) & 64)
        return _json({"interaction": {"id": id_, "type": 2, "response_message_loading": True, "response_message_ephemeral": True}})

    async def _message(self, request: web.Request, path: str) -> web.StreamResponse:
        files: list[str] = []
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            content = json.loads(str(form["payload_json"]))
            for value in form.values():
                if isinstance(value, web.FileField):
                    assert value.file.read(8) == b"\x89PNG\r\n\x1a\n"
                    files.append(value.filename)
        else:
            content = await request.json()
        text = content.get("content") or ""
        if len(text) > 2000 or not (text or files or content.get("components")):
            return _json({"message": "Invalid Form Body", "code": 50035, "errors": {}}, status=400)
        buttons = [button for row in content.get("components") or [] for button in row["components"]]
        assert all(len(button["custom_id"]) <= 100 for button in buttons)
        assert content.get("allowed_mentions") in (None, {"parse": []}, {"parse": [], "replied_user": False}), content.get(
            "allowed_mentions"
        )
        edits = request.method == "PATCH"
        private = self._private if edits else bool(content.get("flags", 0) & 64)
        message = {
            "id": self.snowflake(),
            "channel_id": DIRECT,
            "author": BOT,
            "content": text,
            "timestamp": "2024-03-01T00:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "pinned": False,
            "type": 0,
            "flags": 64 if private else 0,
            "components": content.get("components") or [],
        }
        how = "edit" if edits else "followup" if path.startswith("webhooks/") else "direct"
        self.sent.append({"how": how, "text": text, "buttons": buttons, "files": files, "private": private, "message": message})
        return _json(message)

    async def gateway(self, request: web.Request) -> web.StreamResponse:
        """A connection of the gateway, until it ends."""
        assert request.query["v"] == "10"
        assert request.query["encoding"] == "json"
        socket_ = web.WebSocketResponse()
        await socket_.prepare(request)
        one = Connection(socket_, zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None)
        await one.send(10, {"heartbeat_interval": self.heartbeat_ms})
        async for message in socket_:
            content = json.loads(message.data)
            if content["op"] == 1:
                one.heartbeats += 1
                await one.send(11)
            elif content["op"] == 2:
                await self._identify(one, content["d"])
            elif content["op"] == 6:
                await self._resume(one, content["d"])
        return socket_

    async def _identify(self, one: Connection, data: dict[str, Any]) -> None:
        if data["token"] != TOKEN:
            await one.socket.close(code=4004, message=b"Authentication failed.")
            return
        assert data["intents"] == 0, "no messages are read"
        self._events.clear()
        self.connections.append(one)
        ready = {
            "v": 10,
            "user": BOT,
            "guilds": [],
            "session_id": self._session,
            "resume_gateway_url": "wss://gateway-us-east1-b.discord.gg",
        }
        await self.dispatch("READY", ready | {"application": {"id": APPLICATION, "flags": 0}})
        self.identified += 1

    async def _resume(self, one: Connection, data: dict[str, Any]) -> None:
        if data["session_id"] != self._session or data["token"] != TOKEN:
            await one.send(9, False)
            return
        self.connections.append(one)
        for sequence, (event, content) in enumerate(self._events, 1):
            if sequence > data["seq"]:
                await one.send(0, content, sequence=sequence, event=event)
        await one.send(0, {}, sequence=len(self._events), event="RESUMED")
        self.resumed.append(data["seq"])


class _ThisMachine(AbstractResolver):
    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        assert host == "discord.com" or host.endswith(".discord.gg"), host
        return [{"hostname": host, "host": "127.0.0.1", "port": self._port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Nothing is open."""


def _json(content: Any, status: int = 200) -> web.Response:
    """As Discord says what it is: without a charset."""
    return web.Response(body=json.dumps(content).encode(), status=status, content_type="application/json")


def _application() -> dict[str, Any]:
    about = {"id": APPLICATION, "name": "ATS", "icon": None, "description": "", "summary": "", "verify_key": "0" * 64, "flags": 0}
    return about | {"bot_public": False, "bot_require_code_grant": False, "owner": BOT, "team": None, "interactions_endpoint_url": None}


@cache
def _certificate() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate of Discord's names for the double, and what trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a double of Discord")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("discord.com"), x509.DNSName("*.discord.gg"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=2))
    made = made.add_extension(x509.SubjectAlternativeName(names), critical=False).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain) + pem)
        server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=pem.decode())


@contextlib.asynccontextmanager
async def discord_double() -> AsyncIterator[DiscordDouble]:
    """The service on a free port."""
    double = DiscordDouble()
    app = web.Application(client_max_size=20_000_000)
    app.router.add_route("*", "/{path:.*}", double.rest)
    async with served(app, _certificate()[0]) as address:
        double.port = int(address.rpartition(":")[2])
        yield double
