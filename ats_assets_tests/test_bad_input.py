"""Bad input through the whole graph: each kind is a clear message or a rejected row with its reasons, and the good rows beside it become signals."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dagster._core.errors import DagsterAssetCheckFailedError

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.sources import MEASURES
from ats_assets.storage.data_version import data_version
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, files_of, make_history, small_market

LAST = date(2021, 1, 22)
DAY = date(2021, 1, 15)
"""A Friday; Monday the 18th is a holiday."""
TUESDAY = date(2021, 1, 19)
COLUMNS = ["symbol", "date", *MEASURES]
ODD_NAMES = {"SYN0002": "BRK/B", "SYN0003": "../up", "SYN0001": "株式", "SYN0005": "Ærø 🚀", "SYN0006": "a,b;c"}
ZONES = {
    "SYN0007": "{}T00:00:00Z",
    "SYN0008": "{}T16:00:00-05:00",
    "SYN0009": "{} 14:30:00+00:00",
    "SYN0010": "{}T23:59:59+01:00",
    "SYN0011": "{}",
}

Rows = list[tuple[str, str, str, str, str, str, str]]
"""symbol, date, open, high, low, close, volume, as they stand in the file."""

SET_ASIDE: dict[str, tuple[date, list[tuple[str, ...]], list[set[str]]]] = {
    "zero": (DAY, [("ZERO", "2021-01-15", "0", "11", "0", "10", "5")], [{"open_not_positive", "low_not_positive"}]),
    "NaN": (DAY, [("NAN", "2021-01-15", "10", "11", "9", "NaN", "5")], [{"close_missing"}]),
    "no value": (DAY, [("NONE", "2021-01-15", "10", "11", "9", "10", "")], [{"volume_missing"}]),
    "infinity": (DAY, [("INF", "2021-01-15", "10", "inf", "9", "10", "5")], [{"high_infinite"}]),
    "negative infinity": (DAY, [("MINF", "2021-01-15", "10", "11", "-inf", "10", "5")], [{"low_infinite", "low_not_positive"}]),
    "negative volume": (DAY, [("NEG", "2021-01-15", "10", "11", "9", "10", "-5")], [{"volume_negative"}]),
    "high below low": (DAY, [("LOW", "2021-01-15", "10", "9", "11", "10", "5")], [
        {"high_below_low", "high_below_open", "high_below_close", "low_above_open", "low_above_close"}
    ]),
    "no number": (DAY, [("WORD", "2021-01-15", "10", "11", "9", "ten", "5")], [{"close_missing", "unreadable"}]),
    "contradiction": (
        DAY,
        [("TWO", "2021-01-15", "10", "11", "9", "10", "5"), ("TWO", "2021-01-15", "10", "11", "9", "10.5", "5")],
        [{"conflicting"}, {"conflicting"}],
    ),
    "repetition": (DAY, [("BRK/B", "2021-01-15", "", "", "", "", "")], [{"duplicate"}]),
    "weekend": (TUESDAY, [("SUN", "2021-01-17", "10", "11", "9", "10", "5")], [{"date_not_a_session"}]),
    "holiday": (TUESDAY, [("MLK", "2021-01-18", "10", "11", "9", "10", "5")], [{"date_not_a_session"}]),
    "no day": (LAST, [("WHEN", "yesterday", "10", "11", "9", "10", "5")], [{"date_missing", "unreadable"}]),
    "no symbol": (DAY, [("", "2021-01-15", "10", "11", "9", "10", "5")], [{"symbol_missing"}]),
    "an invisible character": (DAY, [("ZW\u200bSP", "2021-01-15", "10", "11", "9", "10", "5")], [{"symbol_malformed"}]),
}  # fmt: skip
"""Kind -> the session that it is quarantined under, the rows in the file, and the reasons for each."""


@pytest.fixture(scope="module")
def good() -> pl.DataFrame:
    """The bars of the small market, without defects, some symbols under odd names."""
    market = small_market(
        Path("nowhere"),
        source={"kind": "synthetic", "synthetic": {"symbols": 12, "first_session": FIRST, "last_session": LAST, "defective_share": 0.0}},
    )
    bars = market.source.bars(market.calendar.sessions(FIRST, LAST))
    return bars.select(pl.col("symbol").replace(ODD_NAMES), *COLUMNS[1:])


def of_files(root: Path, path: Path, **changes: Any) -> Deployment:
    return small_market(root, **{"source": {"kind": "files", "path": path}, **EARLY_MODELS, **changes})


@pytest.fixture(scope="module")
def clean(good: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """What the good rows alone come to."""
    root = tmp_path_factory.mktemp("clean")
    good.write_parquet(root / "bars.parquet")
    deployment = of_files(root, root / "bars.parquet")
    make_history(deployment, FIRST, LAST)
    return deployment


@pytest.fixture(scope="module")
def mixed(good: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The same in a CSV file, with days written in many zones, and every kind of bad row at its end."""
    root = tmp_path_factory.mktemp("mixed")
    stamps = pl.coalesce(pl.when(pl.col("symbol") == name).then(pl.format(form, "date")) for name, form in ZONES.items())
    text = good.with_columns(pl.col("date").cast(pl.String)).with_columns(date=pl.coalesce(stamps, "date"))
    repeated = text.filter(symbol="BRK/B", date=str(DAY)).with_columns(pl.all().cast(pl.String))
    bad = [
        pl.DataFrame([(*row, "")], schema=COLUMNS, orient="row")
        for name, (_, rows, _) in SET_ASIDE.items()
        for row in rows
        if name != "repetition"
    ]
    pl.concat([text.with_columns(pl.all().cast(pl.String)), repeated, *bad]).write_csv(root / "bars.csv")
    deployment = of_files(root, root / "bars.csv")
    make_history(deployment, FIRST, LAST)
    return deployment


def rows_of(deployment: Deployment, asset: str) -> pl.DataFrame:
    return deployment.warehouse.read(asset, deployment.calendar.sessions(FIRST, LAST))


@pytest.mark.parametrize("kind", SET_ASIDE)
def test_a_bad_row_is_quarantined_with_its_reasons(mixed: Deployment, kind: str) -> None:
    session, rows, reasons = SET_ASIDE[kind]
    found = mixed.warehouse.read("rejected_bars", [session]).filter(pl.col("symbol").fill_null("") == rows[0][0])
    assert [set(row) for row in found["reasons"].to_list()] == reasons
    if "unreadable" in reasons[0]:
        assert next(text for text in (rows[0][1], rows[0][5]) if not text[0].isdigit()) in found["defects"][0]


def test_nothing_is_lost(mixed: Deployment, good: pl.DataFrame) -> None:
    bad = sum(len(rows) for _, rows, _ in SET_ASIDE.values())
    assert rows_of(mixed, "rejected_bars").height == bad
    assert rows_of(mixed, "bars").height == good.height
    for session in mixed.calendar.sessions(FIRST, LAST):
        kept, aside, raw = (mixed.warehouse.read(asset, [session]).height for asset in ("bars", "rejected_bars", "raw_bars"))
        assert kept + aside == raw


@pytest.mark.parametrize("asset", ["bars", "universe", "alpha158", "forward_returns", "predictions", "skill", "signals"])
def test_the_good_rows_come_to_what_they_come_to_alone(mixed: Deployment, clean: Deployment, asset: str) -> None:
    """Bad rows, whatever is wrong with them, change nothing: the same content in every partition, to the last bit."""
    found, expected = rows_of(mixed, asset), rows_of(clean, asset)
    assert expected.height > 0
    assert data_version(found) == data_version(expected)


def test_odd_symbols_and_other_zones_reach_the_signals(mixed: Deployment) -> None:
    known = {*ODD_NAMES.values(), *ZONES}
    assert known == set(rows_of(mixed, "bars")["symbol"]) & known
    assert len(known & set(rows_of(mixed, "signals")["symbol"])) > 8
    assert {"BRK/B", "株式"} & set(rows_of(mixed, "signals")["symbol"])
    names = {part for path in files_of(mixed.settings.storage.warehouse.parent) for part in Path(path).parts}
    assert not names & {"BRK", "B", "..", "up", *ODD_NAMES.values()}  # no path is made of a symbol


def csv(frame: pl.DataFrame) -> bytes:
    return frame.write_csv().encode()


REFUSED: dict[str, tuple[str, Callable[[pl.DataFrame], bytes], str]] = {
    "empty file": ("bars.csv", lambda _: b"", r"bars.csv is empty \(0 bytes\): deliver it again"),
    "empty Parquet file": ("bars.parquet", lambda _: b"", r"bars.parquet is empty \(0 bytes\): deliver it again"),
    "header only": ("bars.csv", lambda f: csv(f.clear()), r"has columns but no rows"),
    "missing column": ("bars.csv", lambda f: csv(f.drop("close")), r"bars.csv lacks 'close': its columns are 'symbol'.*source.files.columns"),
    "missing symbol": ("bars.csv", lambda f: csv(f.rename({"symbol": "what"}).drop("date")), r"lacks .*'date'"),
    "no day that can be read": ("bars.csv", lambda f: csv(f.with_columns(date=pl.lit("soon"))), r"none of \d+ rows? has a usable date.*'soon'"),
    "no Parquet": ("bars.parquet", csv, r"bars.parquet can't be read, it may be truncated or not what its name says"),
    "intraday": (
        "bars.csv",
        lambda f: csv(pl.concat([f.with_columns(date=pl.format("{} {}:30", "date", pl.lit(hour))) for hour in (10, 11, 12)])),
        r"intraday bars .* only daily bars are read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_holds_no_bars_is_refused_with_a_clear_message(tmp_path: Path, good: pl.DataFrame, kind: str) -> None:
    name, content, message = REFUSED[kind]
    (tmp_path / name).write_bytes(content(good))
    with pytest.raises(SourceError, match=message):
        make_history(of_files(tmp_path, tmp_path / name), FIRST, LAST)
    assert files_of(tmp_path) == {}


def test_a_column_of_another_type_is_refused(tmp_path: Path, good: pl.DataFrame) -> None:
    good.with_columns(close=pl.col("close") > 20).write_parquet(tmp_path / "bars.parquet")
    with pytest.raises(SourceError, match=r"column 'close', read as close, has type Boolean, not numbers"):
        make_history(of_files(tmp_path, tmp_path / "bars.parquet"), FIRST, LAST)
    assert files_of(tmp_path) == {}


def test_sessions_that_the_source_has_not_are_refused(tmp_path: Path, good: pl.DataFrame) -> None:
    good.write_parquet(tmp_path / "bars.parquet")
    with pytest.raises(SourceError, match=r"has bars from 2021-01-04 to 2021-01-22, but 2021-01-04 to 2021-01-25 was asked for"):
        make_history(of_files(tmp_path, tmp_path / "bars.parquet"), FIRST, date(2021, 1, 25))
    assert files_of(tmp_path) == {}


def test_rows_of_a_weekend_and_of_the_future_stop_nothing(tmp_path: Path, good: pl.DataFrame) -> None:
    """They are rejected with their reasons, but say nothing of the session that takes them: their share of its few rows stopped all that comes after."""
    strays = pl.concat([good.head(1).with_columns(date=pl.lit(day)) for day in (date(2021, 1, 9), date(2221, 1, 9))])
    pl.concat([good, strays.select(good.columns)]).write_csv(tmp_path / "bars.csv")
    make_history(of_files(tmp_path, tmp_path / "bars.csv", bars={"profile": False, "max_rejected_share": 0.01}), FIRST, LAST)
    warehouse = Warehouse(tmp_path / "warehouse")
    rejected = pl.concat([warehouse.read("rejected_bars", [day]) for day in warehouse.stored_sessions("rejected_bars")])
    assert rejected["reasons"].to_list() == [["date_not_a_session"], ["date_not_a_session", "unreadable"]]
    assert warehouse.stored_sessions("signals") == warehouse.stored_sessions("bars")


def test_too_many_bad_rows_stop_what_comes_after(tmp_path: Path, good: pl.DataFrame) -> None:
    """A whole column of words: its rows are quarantined, their share fails the contract's check, and no signals are made of what is left."""
    good.with_columns(close=pl.lit("closed")).write_csv(tmp_path / "bars.csv")
    with pytest.raises(DagsterAssetCheckFailedError, match="contract"):
        make_history(of_files(tmp_path, tmp_path / "bars.csv", bars={"profile": False, "max_rejected_share": 0.01}), FIRST, LAST)
    warehouse = Warehouse(tmp_path / "warehouse")
    assert warehouse.assets() == ["bars", "calendar", "raw_bars", "raw_corporate_actions", "rejected_bars"]
    assert warehouse.read("rejected_bars", [DAY])["defects"].to_list()[0] == "close: 'closed' is not a number"
