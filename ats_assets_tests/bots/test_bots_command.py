"""`ats bots`, as processes: tokens are written nowhere, a bot that is killed loses nothing, and who may use it is listed and revoked."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ats_assets.bots.catalogue import catalogue
from ats_assets.bots.recent_log import recent_lines
from ats_assets.bots.running import BotsPlan, run_bots
from ats_assets.cli import app
from ats_assets.cli.bots.run import bots_plan
from ats_assets.errors import BotError, SettingsError
from ats_assets.settings import load_settings
from ats_assets_tests.bots.service_double import KEY, service_double
from ats_assets_tests.bots.telegram_double import TOKEN, Fault, telegram_double
from ats_assets_tests.cli.market import ROOT, ats, environment

SETTINGS = """
[bots]
service = "{service}"
[bots.telegram]
enabled = true
server = "{telegram}"
[bots.people."telegram:101"]
role = "trader"
name = "Ada"
[bots.people."telegram:102"]
role = "viewer"
"""


def told(home: Path) -> str:
    """All that the processes wrote, and all that is stored: texts and databases."""
    return "".join(path.read_bytes().decode(errors="replace") for path in home.rglob("*") if path.is_file() and path.name != "token")


@contextlib.asynccontextmanager
async def a_process(home: Path, **secrets: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, running; its output is a file of the home."""
    program = [sys.executable, "-c", "from ats_assets.cli import main; main()", "bots", "run"]
    with (home / "output").open("ab") as out:
        process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, env=environment(home) | secrets, stdout=out, stderr=out)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 20)


def test_a_bot_that_is_killed_loses_nothing_and_no_token_is_written_anywhere(tmp_path: Path) -> None:
    """Proxies that repeat the address in their answers, a kill in the midst of it, and SIGTERM as the end of the next; the token comes from a file."""
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")

    async def play() -> None:
        async with telegram_double() as double, service_double() as service:
            settings = SETTINGS.format(service=service.address, telegram=double.address)
            (tmp_path / "ats.toml").write_text(settings, encoding="utf-8")
            double.fail("getMe", Fault("nonsense"))
            double.fail("sendMessage", Fault("nonsense"))
            secrets = {"TELEGRAM_BOT_TOKEN_FILE": str(tmp_path / "token"), "BOTS_API_KEY": KEY}
            async with a_process(tmp_path, **secrets) as process:
                double.message("/order buy AAPL 10")
                question = await double.said("Confirm?", seconds=60)
                os.kill(process.pid, signal.SIGKILL)
                await process.wait()
            plan = BotsPlan(
                service=service.address,
                key=KEY,
                database=f"sqlite:///{tmp_path / 'data' / 'bots.sqlite'}",
                people={"telegram:101": ("trader", "Ada")},
                telegram_token=TOKEN,
                telegram_server=double.address,
            )
            next_one = asyncio.create_task(run_bots(plan))
            double.press(question["buttons"][0]["callback_data"], message=question)
            await double.said("Done", seconds=60)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(next_one, 20)
            assert len(service.requests) == 1

    asyncio.run(play())
    everything = told(tmp_path)
    assert "no updates" in everything, "what went wrong was logged"
    assert not [part for part in (TOKEN, TOKEN.partition(":")[2], KEY) if part in everything]


def test_people_are_listed_and_revoked(tmp_path: Path) -> None:
    (tmp_path / "ats.toml").write_text(SETTINGS.format(service="http://127.0.0.1:1", telegram="http://127.0.0.1:1"), encoding="utf-8")
    assert ats(tmp_path, "bots", "revoke", "telegram:102").returncode == 0
    listed = json.loads(ats(tmp_path, "bots", "people", "--json").stdout)
    assert [(one["id"], one["role"], one["name"], one["revoked"]) for one in listed] == [
        ("telegram:101", "trader", "Ada", False),
        ("telegram:102", "viewer", "telegram:102", True),
    ]
    assert ats(tmp_path, "bots", "restore", "telegram:102").returncode == 0
    assert [one["what"] for one in json.loads(ats(tmp_path, "bots", "audit", "--json").stdout)] == ["restored", "revoked"]
    assert [one["what"] for one in json.loads(ats(tmp_path, "bots", "audit", "--limit", "1", "--json").stdout)] == ["restored"]


def test_what_people_can_ask_is_listed_with_who_may() -> None:
    """Without settings, a token or a service."""
    asked = {one["name"]: one for one in json.loads(CliRunner().invoke(app, ["bots", "commands", "--json"]).stdout)}
    assert set(asked) == set(catalogue())
    assert (asked["order"]["role"], bool(asked["order"]["confirmed"])) == ("trader", True)
    shown = CliRunner().invoke(app, ["bots", "commands"]).stdout
    assert all(f"/{name}" in shown for name in asked)


def test_the_settings_and_secrets_become_a_plan_that_shows_no_secret(home: Path) -> None:
    (home / "ats.toml").write_text(SETTINGS.format(service="http://127.0.0.1:1", telegram="http://127.0.0.1:1"), encoding="utf-8")
    settings = load_settings()
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN is not set"):
        bots_plan(settings, {})
    plan = bots_plan(settings, {"TELEGRAM_BOT_TOKEN": TOKEN, "BOTS_API_KEY": KEY, "BOTS_DB_CONNECTION_STR": "postgresql://u:s3cret@h/d"})
    assert (plan.telegram_token, plan.key, plan.discord_token) == (TOKEN, KEY, None)
    assert plan.people == {"telegram:101": ("trader", "Ada"), "telegram:102": ("viewer", "")}
    assert not [secret for secret in (TOKEN, KEY, "s3cret") if secret in repr(plan)]


def test_without_a_bot_that_is_on_it_says_how_to_switch_one_on(tmp_path: Path) -> None:
    plan = BotsPlan(service="http://127.0.0.1:1", key=None, database=f"sqlite:///{tmp_path / 'bots.sqlite'}", people={})
    with pytest.raises(BotError, match=r"bots\.telegram\.enabled"):
        asyncio.run(run_bots(plan))


def test_a_front_that_can_not_go_on_ends_the_bots_with_its_reason(tmp_path: Path) -> None:
    class Refused:
        name = "telegram"

        async def run(self) -> None:
            logging.getLogger("ats_assets.bots").warning("asked with %s", f"token={KEY}")
            raise BotError("the token is not taken")

        async def stop(self) -> None:
            """Nothing is open."""

        async def tell(self, person: str, reply: object) -> None:
            """Nobody hears."""

    plan = BotsPlan(service="http://127.0.0.1:1", key=None, database=f"sqlite:///{tmp_path / 'bots.sqlite'}", people={})
    with pytest.raises(BotError, match="the token is not taken"):
        asyncio.run(run_bots(plan, make=lambda *_: {"telegram": Refused()}))
    assert recent_lines(1)[0].endswith("WARNING bots: asked with token=***"), "what /logs tells holds no secret"
