"""The ledger keeps what it was told: under crashes, several writers, and hands that would rather forget."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from ats_assets.definitions import build
from ats_assets.errors import SettingsError
from ats_assets.storage.chained_lines import ChainedLines
from ats_assets.trials import FitTrial, Trial, TrialLedger, ledger_of, trial_series
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import small_market

DAY = date(2024, 3, 1)


def trial(name: str) -> Trial:
    return Trial(kind="backtest", name="backtest", tried=name * 8, made_of=("m",), measure="return", what={"top_k": 3, "window": (1, 2)})


def begun(folder: Path, *names: str) -> TrialLedger:
    ledger = TrialLedger(folder, fsync=False)
    for name in names:
        ledger.begin(trial(name))
    return ledger


def test_what_was_tried_is_read_again_as_it_was_and_once(tmp_path: Path) -> None:
    begun(tmp_path, "a", "b", "a")
    again = begun(tmp_path, "b", "c")
    assert [one.trial.tried for one in again.trials()] == ["a" * 8, "b" * 8, "c" * 8]
    read = again.trials()[0].trial
    assert (read.kind, read.made_of, read.measure, read.what) == ("backtest", ("m",), "return", {"top_k": 3, "window": [1, 2]})
    assert again.fault() is None
    assert begun(tmp_path / "none").trials() == []


def test_what_it_was_chosen_from_is_read_again_and_older_lines_say_nothing_of_it(tmp_path: Path) -> None:
    told = Trial(kind="backtest", name="backtest", tried="new", made_of=("a", "b"), chosen_from=("a", "b"))
    lines = ChainedLines(tmp_path / "trials.jsonl", "the ledger of trials", fsync=False)
    with lines.writing():
        older = asdict(told) | {"tried": "old", "begun": "2024-01-01T00:00:00+00:00"}
        lines.append({name: value for name, value in older.items() if name != "chosen_from"})
    TrialLedger(tmp_path, fsync=False).begin(told)
    found = TrialLedger(tmp_path, fsync=False)
    assert [one.trial.chosen_from for one in found.trials()] == [(), ("a", "b")]
    assert found.fault() is None


def test_figures_of_the_newer_session_count_whatever_the_order_in_which_they_come(tmp_path: Path) -> None:
    parts = [
        trial_series([DAY, DAY + timedelta(1)], [0.1, 0.2], DAY + timedelta(5)),
        trial_series([DAY + timedelta(1), DAY + timedelta(2)], [0.3, None], DAY + timedelta(6)),
        trial_series([DAY + timedelta(3)], [0.4], DAY + timedelta(4)),
    ]
    for number, order in enumerate(permutations(parts)):
        ledger = TrialLedger(tmp_path / str(number), fsync=False)
        for series in order:
            ledger.add(trial("a"), series)
        (found,) = ledger.trials()
        assert found.series is not None
        assert found.series["value"].to_list() == [0.1, 0.3, 0.4]


def test_a_line_that_a_crash_tore_was_never_there_and_is_written_again(tmp_path: Path) -> None:
    file = begun(tmp_path, "a", "b").folder / "trials.jsonl"
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole), max(1, len(whole) // rounds(12, 400))):
        file.write_bytes(whole[:cut])
        ledger = TrialLedger(tmp_path, fsync=False)
        assert [one.trial.tried for one in ledger.trials()] == ["a" * 8]
        assert ledger.fault() is None
        assert ledger.begin(trial("b"))
        assert [one.trial.tried for one in TrialLedger(tmp_path).trials()] == ["a" * 8, "b" * 8]
        assert ledger.fault() is None


def test_a_line_that_was_changed_or_taken_out_is_found(tmp_path: Path) -> None:
    ledger = begun(tmp_path, "a", "b", "c")
    file = ledger.folder / "trials.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[2])
    assert "a line before line 2" in str(ledger.fault())
    file.write_bytes(lines[1] + lines[2])
    assert "a line before line 1" in str(ledger.fault())
    file.write_bytes(lines[0].replace(b"aaaaaaaa", b"aaaaaaab") + lines[1])
    assert "line 1 of" in str(ledger.fault())
    assert [one.trial.tried for one in ledger.trials()] == ["b" * 8]  # what is sound still counts


def test_lines_taken_out_at_the_end_are_found_by_the_results_that_have_none(tmp_path: Path) -> None:
    """The newest trials could be taken out, or the whole file, and nothing was told."""
    ledger = begun(tmp_path, "a", "b")
    ledger.add(trial("b"), trial_series([DAY], [0.1], DAY))
    assert ledger.fault() is None
    file = ledger.folder / "trials.jsonl"
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    assert f"results of {trial('b').key}, of which no line" in str(ledger.fault())
    file.unlink()
    assert "lines at its end were taken out" in str(TrialLedger(tmp_path).fault())


def test_a_damaged_series_costs_the_series_and_not_the_trial(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path, fsync=False)
    ledger.add(trial("a"), trial_series([DAY], [0.1], DAY))
    (path,) = (tmp_path / "series").glob("*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (found,) = TrialLedger(tmp_path).trials()
    assert found.series is None
    ledger.add(trial("a"), trial_series([DAY], [0.2], DAY))
    (found,) = TrialLedger(tmp_path).trials()
    assert found.series is not None


def test_threads_that_try_at_once_lose_nothing(tmp_path: Path) -> None:
    def work(worker: int) -> None:
        ledger = TrialLedger(tmp_path, fsync=False)
        for number in range(6):
            shared = trial(str(number))
            ledger.begin(trial(f"{worker}{number}"))
            ledger.add(shared, trial_series([DAY + timedelta(worker)], [float(worker)], DAY))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    ledger = TrialLedger(tmp_path)
    found = ledger.trials()
    assert len(found) == 4 * 6 + 6
    assert ledger.fault() is None
    grown = [one.series["value"].to_list() for one in found if one.series is not None]
    assert grown == [[0.0, 1.0, 2.0, 3.0]] * 6


def test_a_folder_that_can_not_be_written_is_told_before_anything_is_tried(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"can't write the ledger of trials in .*: check storage.data"):
        TrialLedger(tmp_path / "file" / "trials").begin(trial("a"))


WRITER = """
import sys
from pathlib import Path
from ats_assets.trials import Trial, TrialLedger
ledger = TrialLedger(Path(sys.argv[1]), fsync=False)
print("ready", flush=True)
for number in range(100_000):
    ledger.begin(Trial(kind="tuning", name="it", tried=f"{sys.argv[2]}{number:07}" * 3))
"""


def test_writers_that_are_killed_leave_whole_lines(tmp_path: Path) -> None:
    for _ in range(rounds(1, 20)):
        writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], stdout=subprocess.PIPE) for name in "ab"]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            writers[0].wait(0.2)
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()  # pyright: ignore[reportOptionalMemberAccess]
    ledger = TrialLedger(tmp_path)
    assert ledger.fault() is None
    assert ledger.begin(trial("z"))
    lines = (tmp_path / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    assert len({json.loads(line)["tried"] for line in lines}) == len(lines) == len(ledger.trials())


def test_a_fit_tells_its_label_and_its_regimes(tmp_path: Path) -> None:
    """Two sweeps over a label's barriers looked the same in `ats trials`."""
    labels = {"trends": {"kind": "trend_scanning", "max_horizon_sessions": 12}}
    deployment = small_market(tmp_path, labels=labels, regimes={"market": {"kind": "mixture", "max_states": 2}})
    build(deployment)
    FitTrial(deployment, "lightgbm_model", {"label": "trends", "families": ["alpha158", "regimes"]}).begin()
    (found,) = deployment.of(ledger_of).trials()
    assert found.trial.what["label_settings"] == labels["trends"]
    assert found.trial.what["regimes"] == {"regimes": {"kind": "mixture", "max_states": 2}}
