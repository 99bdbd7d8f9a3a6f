"""qlib as the reference: it evaluates expressions in a process of its own (`qlib_process.py`), over data written in its binary layout."""

import atexit
import contextlib
import functools
import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from ats_assets_tests.forking import ForkServer, fork_server

Case = tuple[pl.DataFrame, Sequence[date], Mapping[str, str]]
"""Panel, calendar, expressions."""

SERVER = "ats_assets_tests.expressions.qlib_process"
ENVIRONMENT = {"MLFLOW_ALLOW_FILE_STORE": "true", "PYTHONWARNINGS": "ignore"}


def write_qlib_data(panel: pl.DataFrame, sessions: Sequence[date], folder: Path) -> None:
    """A calendar, the instruments with their spans, and a float32 file for each symbol and field, preceded by the number of its first day."""
    for name in ("calendars", "instruments"):
        (folder / name).mkdir(parents=True)
    (folder / "calendars" / "day.txt").write_text("".join(f"{day}\n" for day in sessions))
    places = {day: number for number, day in enumerate(sessions)}
    spans = []
    for (symbol,), rows in panel.sort("session").group_by(["symbol"], maintain_order=True):
        days = [places[day] for day in rows["session"]]
        target = folder / "features" / str(symbol).lower()
        target.mkdir(parents=True)
        for name in ("open", "high", "low", "close", "volume", "vwap"):
            values = np.full(days[-1] - days[0] + 1, np.nan)
            if name in rows.columns:
                values[np.array(days) - days[0]] = rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            np.append(days[0], values).astype("<f4").tofile(target / f"{name}.day.bin")
        spans.append(f"{symbol}\t{sessions[days[0]]}\t{sessions[days[-1]]}\n")
    (folder / "instruments" / "all.txt").write_text("".join(spans))


def qlib_features(panel: pl.DataFrame, sessions: Sequence[date], expressions: Mapping[str, str], folder: Path) -> pl.DataFrame:
    """qlib's values for every session between the first and the last row of a symbol: symbol, session, one column an expression."""
    return all_qlib_features({"all": (panel, sessions, expressions)}, folder)["all"]


def all_qlib_features(cases: Mapping[str, Case], folder: Path) -> dict[str, pl.DataFrame]:
    """The same for several cases, in one process."""
    for name, (panel, sessions, expressions) in cases.items():
        write_qlib_data(panel, sessions, folder / name / "data")
        (folder / name / "expressions.json").write_text(json.dumps(dict(expressions)))
    _run(*(folder / name for name in cases))
    return {name: pl.read_parquet(folder / name / "features.parquet") for name in cases}


def family_of_qlib(family: str, folder: Path) -> list[tuple[str, str]]:
    """qlib's names and expressions of alpha158 or alpha360, in its order."""
    _run(folder)
    return [(name, text) for name, text in json.loads((folder / f"{family}.json").read_text())]


@functools.cache
def _server() -> tuple[ForkServer, Path]:
    """A process that has imported qlib, which takes seconds, for all tests of this one; and where its processes say what went wrong."""
    ends = contextlib.ExitStack()
    atexit.register(ends.close)
    log = Path(ends.enter_context(tempfile.TemporaryDirectory())) / "log"
    return ends.enter_context(fork_server(SERVER, log=log, **ENVIRONMENT)), log


def _run(*folders: Path) -> None:
    server, log = _server()
    server.start(json.dumps([str(folder) for folder in folders]))
    assert server.status() == 0, log.read_text(encoding="utf-8")[-4000:]
