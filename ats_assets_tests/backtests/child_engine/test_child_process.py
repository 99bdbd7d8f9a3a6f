"""How a child is run and what is believed of it: small engine scripts, each a real process that ends in another way."""

import hashlib
import json
import math
import os
import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.backtests.child_engine.child_process import run_child
from ats_assets.backtests.child_engine.job_files import ChildAnswer, Job, read_answers, write_jobs
from ats_assets.errors import EngineError

GOOD = """
    import numpy as np
    VERSION = "tiny 1"
    def TRADE(job):
        one = {"row": np.array([1]), "column": np.array([0]), "ordered": np.array([5.0]), "filled": np.array([5.0])}
        one |= {"price": job["open"][1, :1], "fees": np.array([0.0])}
        return {"orders": one, "account": {"cash": np.array([100.0, 50.0]), "value": np.array([100.0, 105.0])}}
"""


def a_job() -> Job:
    """Two sessions of two columns, of which the second has no bar."""
    nan = float("nan")
    market = {
        "open": np.array([[9.0, nan], [10.0, nan]]),
        "close": np.array([[9.5, nan], [11.0, nan]]),
        "weight": np.array([[nan, nan], [0.5, 0.0]]),
    }
    costs = dict.fromkeys(("commission_bps", "spread_bps", "slippage_bps", "min_commission"), 0.0)
    return Job(sessions=["2024-01-02", "2024-01-03"], cash=100.0, costs=costs, fractional_shares=False, **market)


def answers(folder: Path, script: str, jobs: int = 1, timeout: float = 60.0) -> list[ChildAnswer]:
    """What a script answers to some jobs, as an engine would be asked."""
    file, work = folder / "tiny_script.py", folder / "work"
    file.write_text(textwrap.dedent(script))
    work.mkdir()
    write_jobs([a_job()] * jobs, work)
    run_child(Path(sys.executable), file, work, timeout_seconds=timeout, name="tiny", home=folder)
    return read_answers([a_job()] * jobs, work, "tiny")


def after(lines: str) -> str:
    """The good script, whose `TRADE` does something more."""
    return (
        textwrap.dedent(GOOD)
        + textwrap.dedent("""
        _good = TRADE
        def TRADE(job):
            answer = _good(job)
            orders, account = answer["orders"], answer["account"]
        """)
        + textwrap.indent(textwrap.dedent(lines), "    ")
        + "\n    return answer\n"
    )


def test_a_job_goes_there_and_back_with_gaps_in_place(tmp_path: Path) -> None:
    seen = after("""
        assert job["sessions"] == ["2024-01-02", "2024-01-03"] and job["cash"] == 100.0 and job["fractional_shares"] is False
        assert np.isnan(job["open"][0, 1]) and job["close"][1, 0] == 11.0 and np.isnan(job["weight"][0]).all() and job["weight"][1, 1] == 0.0
        print("talk, " * 100_000)
    """)
    first, second = answers(tmp_path, seen, jobs=2)
    assert first.version == "tiny 1"
    assert first.orders.rows() == second.orders.rows() == [(1, 0, 5.0, 5.0, 10.0, 0.0)]
    assert first.account["cash"].to_list() == [100.0, 50.0]


def test_it_is_told_no_secret_and_imports_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", "of-a-broker")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    monkeypatch.setenv("LANG", "C.UTF-8")
    answers(
        tmp_path,
        after("""
        import os, sys
        assert "of-a-broker" not in str(dict(os.environ)) and os.environ["LANG"] == "C.UTF-8"
        assert not any(name.startswith("ats_assets") for name in sys.modules)
        assert sys.path[0] != os.getcwd() and not [path for path in sys.path if path == os.environ.get("PYTHONPATH")]
    """),
    )


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("raise RuntimeError('no such column')", r"(?s)exit status 1; it said:.*RuntimeError: no such column"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by signal SIGKILL, and said nothing"),
        ("import os; os._exit(0)", "ended without an answer"),
    ],
)
def test_a_child_that_ends_badly_is_told_of_and_nothing_of_it_taken(tmp_path: Path, lines: str, told: str) -> None:
    with pytest.raises(EngineError, match=told) as raised:
        answers(tmp_path, after(lines))
    assert "the engine tiny" in str(raised.value)


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a child that has ended well."""
    folder = tmp_path_factory.mktemp("answered")
    answers(folder, GOOD)
    return folder / "work"


def number(column: str, value: float | None) -> Any:
    """A column of which each row is one value."""
    return lambda frame: frame.with_columns(pl.lit(value, frame.schema[column]).alias(column))


@pytest.mark.parametrize(
    ("table", "change", "told"),
    [
        ("orders", number("column", 7), "lies outside the market"),
        ("orders", number("row", -1), "lies outside the market"),
        ("orders", number("filled", 6.0), "fills more than was ordered"),
        ("orders", number("filled", -1.0), "fills more than was ordered"),
        ("orders", number("price", 10.5), "is not filled at the open"),
        ("orders", number("column", 1), "is not filled at the open"),
        ("orders", number("ordered", math.inf), "is no number"),
        ("orders", lambda frame: pl.concat([frame, frame]), "comes twice"),
        ("orders", lambda frame: frame.drop("fees"), "has the columns"),
        ("orders", lambda frame: frame.cast({"row": pl.Float64}), "has the columns"),
        ("orders", number("fees", None), "or gaps in them"),
        ("account", lambda frame: frame.head(1), "1 rows for 2 sessions"),
        ("account", number("cash", math.nan), "values that are no numbers"),
    ],
)
def test_what_can_not_be_is_refused(answered: Path, tmp_path: Path, table: str, change: Any, told: str) -> None:
    folder = shutil.copytree(answered, tmp_path / "work")
    file, answer = folder / f"0-{table}.arrow", folder / "answer.json"
    change(pl.read_ipc(file)).write_ipc(file)
    said = json.loads(answer.read_text())
    said["files"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    answer.write_text(json.dumps(said))
    with pytest.raises(EngineError, match=told) as raised:
        read_answers([a_job()], folder, "tiny")
    assert "the engine tiny" in str(raised.value)


@pytest.mark.parametrize(
    ("file", "spoilt", "told"),
    [
        ("answer.json", b"{", "no JSON"),
        ("answer.json", b"[1]", "another protocol"),
        ("answer.json", json.dumps({"protocol": 1, "files": {}}).encode(), "left no 0-orders.arrow"),
        ("0-account.arrow", b"garbage", "not as it was written"),
        ("0-orders.arrow", None, "not as it was written"),
    ],
)
def test_a_file_that_is_half_there_or_not_its_own_is_not_read(
    answered: Path, tmp_path: Path, file: str, spoilt: bytes | None, told: str
) -> None:
    """None is the first half of what was written."""
    folder = shutil.copytree(answered, tmp_path / "work")
    path = folder / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if spoilt is None else spoilt)
    with pytest.raises(EngineError, match=told):
        read_answers([a_job()], folder, "tiny")


def test_a_file_with_its_digest_that_is_no_arrow_is_an_error(answered: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(answered, tmp_path / "work")
    folder.joinpath("0-orders.arrow").write_bytes(b"garbage")
    said = {"protocol": 1, "files": {"0-orders.arrow": hashlib.sha256(b"garbage").hexdigest()}}
    folder.joinpath("answer.json").write_text(json.dumps(said))
    with pytest.raises(EngineError, match="is no Arrow file"):
        read_answers([a_job()], folder, "tiny")


def test_a_child_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    slow = after(f"""
        import pathlib, subprocess, sys, time
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(other.pid))
        print("half way", flush=True)
        time.sleep(600)
    """)
    began = time.monotonic()
    with pytest.raises(EngineError, match=r"(?s)more than 3 seconds and was ended: set backtest.options.timeout_seconds higher.*half way"):
        answers(tmp_path, slow, timeout=3.0)
    assert time.monotonic() - began < 30
    stat = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    for _ in range(50):  # ended at once, and gone when its new parent has looked at it
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    raise AssertionError(f"{stat.parent.name} of {os.getpid()} still runs")


def test_a_python_that_is_not_there_is_an_error_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"the engine tiny can't be started: .*delete its environment"):
        run_child(tmp_path / "python", tmp_path / "x.py", tmp_path, timeout_seconds=1, name="tiny", home=tmp_path)
