"""`ats features join`."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.runs.event_files import read_events
from ats_assets_tests.cli.conftest import Command

EVENTS = "symbol,time,note\nSYN0001,2021-03-02T15:00:00Z,007\nNONE,2021-03-02 10:00:00-05:00,\nSYN0000,2019-01-01T00:00:00Z,early\n"


def test_a_file_of_events_gets_the_features_that_were_known(command: Command, made: tuple[Path, object], tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    output = tmp_path / "joined.parquet"
    run = command("features", "join", str(tmp_path / "events.csv"), "--output", str(output), "--feature", "KMID", "--feature", "ROC5")
    assert run.exit_code == 0, run.stderr
    assert "3 events, 1 with 2 features" in run.stderr
    assert "1 no_row: nothing was known of the symbol" in run.stderr
    found = pl.read_parquet(output)
    assert found.columns[:5] == ["symbol", "time", "note", "KMID", "ROC5"]
    assert found["feature_session"].to_list() == [date(2021, 3, 1), None, None]
    assert found["feature_reason"].to_list() == [None, "no_row", "before_history"]
    stored = pl.read_parquet(made[0] / "warehouse/synthetic/alpha158/session=2021-03-01/data.parquet", hive_partitioning=False).filter(
        symbol="SYN0001"
    )
    assert found[0].select("KMID", "ROC5").equals(stored.select("KMID", "ROC5"))
    assert found["time"].to_list() == [
        datetime(2021, 3, 2, 15, tzinfo=UTC),
        datetime(2021, 3, 2, 15, tzinfo=UTC),
        datetime(2019, 1, 1, tzinfo=UTC),
    ]
    again = command("features", "join", str(output), "--output", str(output), "--feature", "KMID")
    assert again.exit_code == 2
    assert "is the file with the events" in " ".join(again.stderr.replace("│", " ").split())  # in a frame, with lines of its width


def test_all_that_models_learn_from_in_a_csv(command: Command, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("symbol,session\nSYN0001,2021-03-06\n", encoding="utf-8")
    run = command("features", "join", str(tmp_path / "events.csv"), "-o", str(tmp_path / "joined.csv"))
    assert run.exit_code == 0, run.stderr
    found = pl.read_csv(tmp_path / "joined.csv")
    assert found.width == 2 + 158 + 4
    assert found["feature_session"].to_list() == ["2021-03-05"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "symbol,time\nA,2021-03-02T15:00:00Z\nA,2021-03-02 10:00\n",
            "line 3: the time '2021-03-02 10:00' does not say how far it is from UTC",
        ),
        ("symbol,time\nA,yesterdayZ\n", "line 2: time is 'yesterdayZ'"),
        ("symbol,session\nA,02.03.2021\n", "line 2: session is '02.03.2021'"),
        ("ticker,session\nA,2021-03-02\n", "no column symbol, but ticker"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line(command: Command, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "events.csv").write_text(text, encoding="utf-8")
    run = command("features", "join", str(tmp_path / "events.csv"), "--output", str(tmp_path / "joined.csv"))
    assert run.exit_code == 1
    assert told in run.stderr
    assert not (tmp_path / "joined.csv").exists()


def test_a_symbol_that_looks_like_a_number_or_true_stays_a_text(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("symbol,session\n0700,2021-03-02\nTRUE,\n", encoding="utf-8")
    assert read_events(tmp_path / "events.csv").rows() == [("0700", date(2021, 3, 2)), ("TRUE", None)]
