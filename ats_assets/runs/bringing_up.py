"""Bringing up a deployment: the service, the desk, a day of trading and the bots, as child processes of one command."""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, SettingsError
from ats_assets.execution.choosing import chosen_broker
from ats_assets.execution.clock import SystemClock
from ats_assets.execution.context import Timeouts
from ats_assets.execution.lease import break_lease
from ats_assets.execution.watching import WakeSignal, stopping
from ats_assets.live.broker_to_follow import broker_to_follow
from ats_assets.runs.supervisor import ChildCommand, Supervisor
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import Role
from ats_assets.settings import load_settings
from ats_assets.trade_state import open_trade_state

KEY = "up"
"""The name of the key that is made at the first start."""


@dataclass(frozen=True, kw_only=True)
class UpCommand:
    """What was asked for; the fields are the options."""

    port: int | None
    every: float
    back: int
    beyond: bool
    no_sessions: bool
    read_only: bool
    replay: str | None
    session: str | None
    speed: float
    live: bool
    bots: bool


def bring_up(asked: UpCommand) -> None:
    """Keep all of it running until SIGTERM or Ctrl-C."""
    deployment = Deployment(load_settings())
    if asked.bots:
        _require_bots(deployment)
    if asked.live:
        broker_to_follow(deployment)
    if asked.session and asked.replay is None:
        raise SettingsError("--session says which session --replay plays: give both, or neither")
    commands = children(deployment, asked)
    if any(one.name == "sessions" for one in commands):
        _require_sessions(deployment)
    data = deployment.settings.storage.data
    data.mkdir(parents=True, exist_ok=True)
    wake_signal = WakeSignal()
    try:
        with FileLock(data / "up.lock", timeout=0), stopping(wake_signal):
            _tell_key(data)
            _free_lease(deployment)
            Supervisor(commands, _say, lambda: _free_lease(deployment)).run(wake_signal)
    except Timeout:
        raise AtsError(f"ats up runs already on {data}: end that one first") from None
    _say("up: ended")


def children(deployment: Deployment, asked: UpCommand) -> list[ChildCommand]:
    """The commands, in the order of their start."""
    embedded = deployment.of(chosen_broker).embedded
    writes = {"ATS_SERVING__ACCESS_LOG": "false"} | ({"ATS_SERVING__WRITES": "true"} if embedded and not asked.read_only else {})
    port = () if asked.port is None else ("--port", str(asked.port))
    found = [ChildCommand(name="service", arguments=("serve", *port), environment=writes)]
    if not asked.read_only:
        found.append(ChildCommand(name="desk", arguments=("orders", "desk") if embedded else ("orders", "watch")))
    if asked.replay is not None:
        of = ("--session", asked.session) if asked.session else ()
        keep = str(deployment.settings.storage.data / "replay")
        arguments = ("trade", "live", "--replay", asked.replay, "--speed", f"{asked.speed:g}", "--keep", keep, *of)
        found.append(ChildCommand(name="replay", arguments=arguments, once=True))
    if asked.live:
        found.append(ChildCommand(name="session", arguments=("trade", "live")))
    elif embedded and not asked.no_sessions:
        pace = ("--every", f"{asked.every:g}", "--back", str(asked.back), *(("--beyond",) if asked.beyond else ()))
        found.append(ChildCommand(name="sessions", arguments=("trade", "paced", *pace)))
    if asked.bots:
        found.append(ChildCommand(name="bots", arguments=("bots", "run"), environment=_service_of_bots(deployment, asked.port)))
    return found


def _require_bots(deployment: Deployment) -> None:
    """Refuse --bots where none is on: the child would end at once, and be started again for ever.

    Raises
    ------
    SettingsError
        If neither Telegram's nor Discord's is.
    """
    bots = deployment.settings.bots
    if not (bots.telegram.enabled or bots.discord.enabled):
        raise SettingsError("--bots: no bot is on: set bots.telegram.enabled or bots.discord.enabled (docs/bots.md), or leave --bots out")


def _require_sessions(deployment: Deployment) -> None:
    """Refuse a day of trading where nothing was made yet, likewise.

    Raises
    ------
    AtsError
        If no session has targets.
    """
    if not deployment.valid_sessions("targets"):
        raise AtsError("no session with targets is stored, so none can be traded: make some with ats run, or let none come (--no-sessions)")


def _service_of_bots(deployment: Deployment, port: int | None) -> dict[str, str]:
    """Where the bots find the service that is started beside them, unless the settings name another."""
    settings = deployment.settings
    port = settings.serving.port if port is None else port
    if "service" in settings.bots.model_fields_set or not port:
        return {}
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.serving.host, settings.serving.host)  # noqa: S104 - all addresses are no address to ask
    return {"ATS_BOTS__SERVICE": f"http://{host}:{port}"}


def _free_lease(deployment: Deployment) -> None:
    """Break the executor's lease where its holder is a process of this machine that is gone: nobody need wait until it has run out. Any other stays."""
    with open_trade_state(deployment.settings) as state, contextlib.suppress(AtsError):
        broken = break_lease(state, SystemClock(), "ats up", "its process is gone", seconds=Timeouts().lease_seconds)
        _say(f"up: the lease of {broken.holder} is free, whose process is gone")


def _tell_key(data: Path) -> None:
    """Make the first key, so that a page can ask for something, and show it once: to a person, not to a file of lines that is kept."""
    keys = KeyStore(data)
    if keys.all():
        return
    if not sys.stdout.isatty():
        _say("up: there is no key to ask for orders with, and none is made where it would be logged: ats serve key add NAME --role trade")
    else:
        _say(
            f"up: log in with the key {keys.add(KEY, Role.TRADE)} (shown this once; ats serve key add makes others). From now on reading needs a key, too"
        )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
