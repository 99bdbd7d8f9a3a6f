"""`ats doctor`: what is wrong is found, what is secret is not shown."""

import json
import os
import random
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, SensorInstigatorData, TickData, TickStatus
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from ats_assets.execution.attendance import attend
from ats_assets.execution.state import Author
from ats_assets.runs.follow_up import sensor_at_work
from ats_assets.runs.storage_diagnosis import leftovers
from ats_assets.serving.queries.shown_settings import without_secrets
from ats_assets.storage import write_log
from ats_assets.storage.latest_model import LATEST
from ats_assets.trade_state import TradeState
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import make_home

SAMPLES = Path(__file__).parents[1] / "sources" / "adapters" / "files" / "samples"
Made = tuple[Path, CompletedProcess[str]]


def findings(output: str) -> dict[str, dict[str, Any]]:
    return {finding["subject"]: finding for finding in json.loads(output, parse_constant=pytest.fail)["findings"]}


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Path:
    """A copy of the finished run, to be damaged."""
    home = make_home(tmp_path / "home")
    for name in ("warehouse", "models"):
        shutil.copytree(made[0] / name, home / name)
    return home


def test_all_is_well(command: Command, made: Made) -> None:
    run = command("doctor", "--json")
    found = findings(run.stdout)
    assert run.exit_code == 0
    assert {finding["status"] for finding in found.values()} == {"ok"}
    assert {"settings", "Python", "LightGBM", "folder warehouse", "Dagster", "calendar", "source", "bars", "lightgbm_model"} <= set(found)
    assert json.loads(run.stdout)["settings"]["training"]["train_sessions"] == 30


def test_for_people(command: Command) -> None:
    """The verdict is the first line; settings are shown to those who ask for them."""
    run = command("doctor", "--settings")
    assert run.exit_code == 0
    assert run.stdout.startswith("All is well: ")
    assert "Warning" not in run.stderr
    assert "* train_sessions = 30" in run.stdout
    assert "  synthetic.seed = 7" in run.stdout
    assert "\x1b" not in run.stdout
    assert "train_sessions" not in command("doctor").stdout


def test_a_table_that_need_not_be_there_is_shown_where_it_is(command: Command, tmp_path: Path) -> None:
    """It was an error of the command."""
    assert "[monte_carlo]" not in command("doctor", "--settings").stdout
    (tmp_path / "ats.toml").write_text("[monte_carlo]\npaths = 77\n", encoding="utf-8")
    shown = command("doctor", "--settings", home=tmp_path).stdout.split("[monte_carlo]\n")[1]
    assert "* paths = 77" in shown
    assert "  ruin_share = 0.5" in shown


def test_settings_are_shown_with_the_file_that_says_them(command: Command, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home / "ats.toml").rename(home / "base.toml")
    (home / "ats.toml").write_text('extends = "base.toml"\n[universe]\nsize = 9\n', encoding="utf-8")
    run = command("doctor", "--settings", home=home)
    assert f"* train_sessions = 30  # {home / 'base.toml'}" in run.stdout
    assert "* size = 9\n" in run.stdout
    origins = json.loads(command("doctor", "--json", home=home).stdout)["settings_origins"]
    assert origins["universe.size"] == str(home / "ats.toml")


def test_what_is_wrong_comes_first(command: Command, copy: Path) -> None:
    (bars,) = (copy / "warehouse" / "synthetic" / "bars" / "session=2021-03-30").iterdir()
    bars.write_bytes(b"")
    shutil.rmtree(copy / "warehouse" / "synthetic" / "universe" / "session=2021-02-02")
    lines = command("doctor", home=copy).stdout.splitlines()
    assert re.fullmatch(r"1 failure, 1 warning in \d+ checks", lines[0])
    assert [line.split()[:2] for line in lines[1:] if line[:1] not in {"", " "}][:3] == [
        ["fail", "bars"],
        ["warn", "universe"],
        ["ok", "settings"],
    ]


def test_damage_and_gaps_are_found(command: Command, copy: Path) -> None:
    (bars,) = (copy / "warehouse" / "synthetic" / "bars" / "session=2021-03-30").iterdir()
    bars.write_bytes(b"")
    shutil.rmtree(copy / "warehouse" / "synthetic" / "universe" / "session=2021-02-02")
    shutil.rmtree(copy / "warehouse" / "synthetic" / "signals" / "session=2021-03-31")
    (copy / "models" / "synthetic" / "lightgbm_model" / "session=2021-03-31" / "model.json").write_text("{")
    left = copy / "warehouse" / "synthetic" / "skill" / "session=2021-03-31" / ".data.parquet.4194400-7"
    left.touch()
    run = command("doctor", "--json", home=copy)
    found = findings(run.stdout)
    assert run.exit_code == 1
    assert (found["bars"]["status"], found["lightgbm_model"]["status"]) == ("fail", "fail")
    assert "session=2021-03-30" in found["bars"]["text"]
    assert found["universe"]["advice"] == "ats run --from 2021-02-02 --to 2021-02-02"
    assert "behind other assets" in found["signals"]["text"]
    assert (found["skill"]["status"], found["leftovers"]["status"]) == ("ok", "warn")
    assert leftovers(copy) == [left]


def test_damage_is_found_where_the_files_were_known_to_be_intact(command: Command, copy: Path) -> None:
    """A file that the index knows is not read again, unless it is another one by now."""
    command("stale", home=copy)
    assert command("doctor", home=copy).stdout.startswith("All is well")
    for day in ("2021-03-30", "2021-02-02"):
        (bars,) = (copy / "warehouse" / "synthetic" / "bars" / f"session={day}").iterdir()
        bars.write_bytes(bars.read_bytes()[:-9])
    found = findings(command("doctor", "--json", home=copy).stdout)["bars"]
    assert (found["status"], "2 files damaged" in found["text"]) == ("fail", True)


def test_wrong_settings_and_sources(command: Command, tmp_path: Path) -> None:
    wrong = command("doctor", "--json", ATS_BARS__BOGUS="1")
    assert (wrong.exit_code, findings(wrong.stdout)["settings"]["status"]) == (1, "fail")
    missing = command("doctor", "--json", ATS_SOURCE__KIND="files", ATS_SOURCE__PATH=str(tmp_path / "none.parquet"))
    assert (missing.exit_code, findings(missing.stdout)["source"]["status"]) == (1, "fail")


def test_what_was_recognised_in_files_is_shown_and_a_doubt_is_a_warning(command: Command) -> None:
    for sample, status in (("yahoo", "ok"), ("nasdaq", "warn")):
        found = findings(command("doctor", "--json", ATS_SOURCE__KIND="files", ATS_SOURCE__PATH=str(SAMPLES / sample)).stdout)["source"]
        assert found["status"] == status
        assert "columns: date = 'Date'" in found["text"]
        assert ("warning: names of files that look like more than a symbol: HistoricalData" in found["text"]) == (status == "warn")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ATS_LABELS__TREND__KIND": "trendscan"}, "labels.trend is 'trendscan', which is no label"),
        ({"ATS_RISK__CALM": '{"kind": "regime_filter", "exposure": [1.0, 2.0]}'}, "[risk.calm] has 1 wrong setting: exposure.1"),
    ],
)
def test_what_a_plugin_refuses_is_found_before_a_run(command: Command, wrong: dict[str, str], said: str) -> None:
    """All was well, and the run ended at once."""
    found = findings(command("doctor", "--json", **wrong).stdout)["graph"]
    assert found["status"] == "fail"
    assert said in found["text"]


@pytest.mark.parametrize(
    ("content", "said"), [("1 / 0", "ZeroDivisionError: division by zero"), ("\ndef (", "SyntaxError: invalid syntax")]
)
def test_an_error_that_nobody_foresees_is_a_finding_and_the_rest_is_looked_at(
    command: Command, tmp_path: Path, content: str, said: str
) -> None:
    """`ats doctor` ended with a traceback, and said nothing else."""
    own = tmp_path / "strategies" / "mine.py"
    own.parent.mkdir()
    own.write_text(content, encoding="utf-8")
    run = command("doctor", "--json", ATS_STRATEGIES__MINE="{}", ATS_PLUGINS__FOLDER=str(tmp_path))
    found = findings(run.stdout)
    assert (run.exit_code, found["graph"]["status"], found["bars"]["status"]) == (1, "fail", "ok")
    assert found["graph"]["text"] == f"{said} ({own}, line {content.count(chr(10)) + 1})"
    assert "Python" in found


def test_ticks_are_looked_for_where_the_settings_say(command: Command, tmp_path: Path) -> None:
    """A file that is not there, and a sampler of quotes that nobody delivers, were "ok"; a market of daily bars that nobody asked for was shown."""
    ticks = tmp_path / "ticks.csv"
    told = {"ATS_INTRADAY__TRADES": json.dumps({"path": str(ticks)}), "ATS_SAMPLERS__FIVE__KIND": "dollar"}
    missing = findings(command("doctor", "--json", **told).stdout)
    assert missing["trades"]["status"] == "fail"
    assert str(ticks) in missing["trades"]["text"]
    assert "source" not in missing
    ticks.write_text("symbol,timestamp,price,size\nA,2021-01-04 10:00:00,10,100\n", "utf-8")
    found = findings(command("doctor", "--json", **told, ATS_SAMPLERS__FIVE__SPREAD="true").stdout)
    assert found["trades"]["status"] == "ok"
    assert "2021-01-04" in found["trades"]["text"]
    assert (found["graph"]["status"], found["graph"]["text"].count("[intraday.quotes]")) == ("fail", 1)


def test_nothing_is_there_yet(command: Command, tmp_path: Path) -> None:
    run = command("doctor", "--json", home=make_home(tmp_path / "home"))
    assert run.exit_code == 0
    assert findings(run.stdout)["warehouse"]["advice"] == "run: ats run"


def test_secrets_are_hidden(command: Command) -> None:
    shown = without_secrets({"alpaca": {"api_key": "k", "secret": None}, "mlflow": {"tracking_uri": "http://me:pass@host/x"}, "seed": 7})
    assert shown == {"alpaca": {"api_key": "***", "secret": None}, "mlflow": {"tracking_uri": "http://***@host/x"}, "seed": 7}
    run = command("doctor", ATS_MLFLOW__TRACKING_URI="postgresql://me:pass@host/x")
    assert "pass" not in run.stdout


def test_deep_finds_a_flipped_byte_in_any_file_and_healing_finds_it_afterwards(command: Command, made: Made, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made[0], home)
    stored = sorted(path for stage in ("warehouse", "models") for path in (home / stage / "synthetic").rglob("*") if path.is_file())
    files = [
        path for path in stored if path.parent.name != "calendar" and path.name not in {write_log.NAME, LATEST}
    ]  # without which nothing can be judged (`test_stored_calendar`), or which is for other programs alone: written anew from the records
    rng = random.Random(5)
    kinds = {(path.parts[-3] if "session=" in str(path) else path.parts[-2], path.suffix): path for path in rng.sample(files, len(files))}
    for path in kinds.values():
        content, stat = path.read_bytes(), path.stat()
        place = rng.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :])
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as a disk does it
    run = command("doctor", "--deep", "--json", home=home)
    assert run.exit_code == 1
    found = [
        finding["text"]
        for finding in json.loads(run.stdout)["findings"]
        if finding["status"] == "fail" and " is damaged: " in finding["text"]
    ]
    own = {str(path).removesuffix(".footer") for path in kinds.values()}
    named = {str(Path(path).with_name("model.json")) if "lightgbm_model" in path else path for path in own}
    assert {text.split(" is damaged: ")[0] for text in found} == named
    stale = json.loads(command("stale", "--json", home=home).stdout)
    assert {row["asset"] for row in stale if "damaged: " in row["reason"]} == {Path(path).parts[len(home.parts) + 2] for path in named}
    assert "every byte" in command("doctor", "--deep").stdout


def test_who_follows_orders_up_is_told(command: Command, tmp_path: Path) -> None:
    """With neither the watch nor the sensor, orders cross splits that are announced late, and what waits for the open is not sent."""
    database = f"sqlite:///{tmp_path / 'state.sqlite'}"

    def told() -> dict[str, Any]:
        return findings(command("doctor", "--json", ATS_ORDERS__BROKER="alpaca", DB_CONNECTION_STR=database).stdout)["orders"]

    alone = told()
    assert alone["status"] == "warn"
    assert "ats orders watch has never run; the trading sensor does not trade" in alone["text"]
    assert "ats trade in the half hour before 9:28" in alone["advice"]
    with TradeState(database) as state, state.begin() as connection:
        attend(connection, Author(who="a watch", now=datetime.now(UTC)), "main")
    assert told()["status"] == "ok"
    with TradeState(database) as state, state.begin() as connection:
        attend(connection, Author(who="a watch", now=datetime.now(UTC) - timedelta(hours=1)), "main")
    assert told()["status"] == "warn"


def test_a_sensor_is_at_work_where_it_is_on_and_has_ticked_lately() -> None:
    now, name = datetime.now(UTC), "trading_sensor"
    place = InProcessCodeLocationOrigin(LoadableTargetOrigin(executable_path="python", module_name="ats_assets.definitions"))
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(place, "repository"), name)
    with dg.instance_for_test() as instance:
        assert sensor_at_work(instance, name, now) == (False, "the trading sensor is off")
        state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData(min_interval=60))
        instance.add_instigator_state(state)
        assert sensor_at_work(instance, name, now)[0] is False
        tick = TickData(origin.get_id(), name, InstigatorType.SENSOR, TickStatus.SKIPPED, now.timestamp(), selector_id=state.selector_id)
        instance.create_tick(tick)
        assert sensor_at_work(instance, name, now)[0]
        assert not sensor_at_work(instance, name, now + timedelta(hours=1))[0]
        assert not sensor_at_work(instance, "another_sensor", now)[0]
