"""`ats bots`, as processes: tokens are written nowhere, a bot that is killed loses nothing, and who may use it is listed and revoked."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from ats_assets_tests.bots.service_double import KEY, service_double
from ats_assets_tests.bots.telegram_double import TOKEN, Fault, TelegramDouble, telegram_double
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
    """Proxies that repeat the address in their answers, connections that end, a kill in the midst of it; the token comes from a file."""
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")

    async def play() -> None:
        async with telegram_double() as double, service_double() as service:
            settings = SETTINGS.format(service=service.address, telegram=double.address)
            (tmp_path / "ats.toml").write_text(settings, encoding="utf-8")
            double.fail("getMe", Fault("nonsense"))
            double.fail("sendMessage", Fault("nonsense"), Fault("cut"))
            secrets = {"TELEGRAM_BOT_TOKEN_FILE": str(tmp_path / "token"), "BOTS_API_KEY": KEY}
            async with a_process(tmp_path, **secrets) as process:
                double.message("/order buy AAPL 10")
                question = await double.said("Confirm?", seconds=60)
                os.kill(process.pid, signal.SIGKILL)
                await process.wait()
            async with a_process(tmp_path, **secrets) as process:
                await pressed_until_done(double, question)
                process.send_signal(signal.SIGINT)
                assert await asyncio.wait_for(process.wait(), 20) == 0
            assert len(service.requests) == 1

    asyncio.run(play())
    everything = told(tmp_path)
    assert "no updates" in everything, "what went wrong was logged"
    assert not [part for part in (TOKEN, TOKEN.partition(":")[2], KEY) if part in everything]


async def pressed_until_done(double: TelegramDouble, question: dict) -> None:
    double.press(question["buttons"][0]["callback_data"], message=question)
    await double.said("Done", seconds=60)


def test_people_are_listed_and_revoked(tmp_path: Path) -> None:
    (tmp_path / "ats.toml").write_text(SETTINGS.format(service="http://127.0.0.1:1", telegram="http://127.0.0.1:1"), encoding="utf-8")
    assert ats(tmp_path, "bots", "revoke", "telegram:102").returncode == 0
    listed = json.loads(ats(tmp_path, "bots", "people", "--json").stdout)
    assert [(one["id"], one["role"], one["name"], one["revoked"]) for one in listed] == [
        ("telegram:101", "trader", "Ada", False),
        ("telegram:102", "viewer", "telegram:102", True),
    ]
    assert ats(tmp_path, "bots", "restore", "telegram:102").returncode == 0
    assert ats(tmp_path, "bots", "restore", "telegram:102").returncode == 1
    audited = json.loads(ats(tmp_path, "bots", "audit", "--json").stdout)
    assert [one["what"] for one in audited] == ["restored", "revoked"]
    assert "/order" in ats(tmp_path, "bots", "commands").stdout


def test_a_bot_without_its_token_says_which_is_missing(tmp_path: Path) -> None:
    (tmp_path / "ats.toml").write_text(SETTINGS.format(service="http://127.0.0.1:1", telegram="http://127.0.0.1:1"), encoding="utf-8")
    run = ats(tmp_path, "bots", "run")
    assert run.returncode == 1
    assert "TELEGRAM_BOT_TOKEN is not set" in run.stderr
    (tmp_path / "ats.toml").write_text("", encoding="utf-8")
    assert "no bot is on" in ats(tmp_path, "bots", "run").stderr
