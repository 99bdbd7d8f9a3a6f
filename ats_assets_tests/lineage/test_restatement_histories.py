"""Whatever is restated when: `ats stale` names what comes out otherwise and nothing else, and each session holds what was known then.

The oracles are brute force: all of it built from scratch from the deliveries; and for a session D, a world that ends with D and was only ever delivered what was known at D's close.
One history with all that matters by default, ATS_TEST_RESTATEMENTS random ones beside it; a failing one is shrunk to the deliveries that it takes.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.runs.reproduction import reproduced
from ats_assets_tests.lineage.conftest import SETTINGS, heal, healing_of
from ats_assets_tests.lineage.test_healing import pairs, pairs_of
from ats_assets_tests.rounds import rounds
from ats_assets_tests.sharing import made_once
from ats_assets_tests.small_market import (
    ALL_ASSETS,
    EARLY_MODELS,
    FIRST,
    Files,
    differences,
    files_of,
    forget_announcements,
    make_history,
    run_job,
    small_market,
)

pytestmark = pytest.mark.slow
EXAMPLES = rounds(0, 10, "ATS_TEST_RESTATEMENTS")
"""Random histories for each kind of knowledge, beside the one that has all that is known to matter."""
LAST = date(2021, 2, 5)
"""The 24th session: models are fitted from the third week on."""
DELIVERED = ("raw_bars", "raw_corporate_actions")
MADE = tuple(asset for asset in ALL_ASSETS if asset not in {*DELIVERED, "alpha158"})


def small(root: Path, mode: str = "point_in_time") -> Deployment:
    """Twelve symbols over five weeks, with everything that a strategy has."""
    training = SETTINGS["training"] | EARLY_MODELS["training"]
    changes = SETTINGS | {"models": EARLY_MODELS["models"], "training": training, "knowledge": {"mode": mode}}
    return small_market(root, last_session=LAST, **changes)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The root of a market with everything made, under each kind of knowledge; not to be changed."""

    def made(mode: str) -> Path:
        def make(root: Path) -> None:
            deployment = small(root, mode)
            make_history(deployment, FIRST, LAST)
            run_job(deployment, "backtest_reports")
            assert not deployment.warehouse.read("signals", [LAST]).is_empty()
            forget_announcements(root)

        return made_once(tmp_path_factory, f"restatements-{mode}", make)

    return {mode: made(mode) for mode in ("point_in_time", "restated")}


@dataclass(frozen=True, kw_only=True)
class Restated:
    """A session that is delivered again; numbers choose among what there is."""

    session: int
    symbol: int
    what: str
    hours: int
    """From when it was known: after the delivery before, the session's close at least."""

    def deliver(self, deployment: Deployment) -> None:
        """Store it as a vintage."""
        warehouse, days = deployment.warehouse, deployment.warehouse.stored_sessions("raw_bars")
        day = days[self.session]
        asset = "raw_corporate_actions" if self.what in {"dividend", "split"} else "raw_bars"
        rows, footer = warehouse.read(asset, [day]), warehouse.footer(asset, day)
        known = max(*warehouse.vintages(asset, day), deployment.calendar.closes_at(day)) + timedelta(hours=self.hours)
        symbols = warehouse.read("bars", [day])["symbol"].unique().sort().to_list()
        rows = self._changed(rows, day, symbols[self.symbol % len(symbols)])
        versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}
        warehouse.write_vintage(asset, day, rows, known=known, **versions)

    def _changed(self, rows: pl.DataFrame, day: date, symbol: str) -> pl.DataFrame:
        named = pl.col("symbol") == symbol
        if self.what == "missing":
            return rows.filter(~named.fill_null(value=False))
        if self.what in {"dividend", "split"}:
            said = {"kind": "cash_dividend", "cash": 0.05} if self.what == "dividend" else {"kind": "split", "ratio": 2.0}
            more = pl.DataFrame([{"symbol": symbol, "session": day, "date": day} | said], schema_overrides=rows.schema)
            return pl.concat([rows, more], how="diagonal").select(rows.columns)
        columns, factor = (pl.col("volume"), 3.0) if self.what == "volume" else (pl.col("open", "high", "low", "close", "vwap"), 1.02)
        return rows.with_columns(pl.when(named).then(columns * factor).otherwise(columns))


HISTORIES = st.lists(
    st.builds(
        Restated,
        session=st.integers(0, 23),
        symbol=st.integers(0, 11),
        what=st.sampled_from(["prices", "volume", "dividend", "split", "missing"]),
        hours=st.sampled_from([1, 11, 13, 20, 100, 20_000]),
    ),
    min_size=1,
    max_size=6,
)


def copied(built: Path, root: Path, history: Sequence[Restated], mode: str) -> tuple[Deployment, Files, Files]:
    """A copy of the market to which the history was delivered; its files before and after that."""
    shutil.copytree(built, root)
    deployment = small(root, mode)
    before = files_of(root)
    for one in history:
        one.deliver(deployment)
    return deployment, before, files_of(root)


def world(deployment: Deployment, root: Path, mode: str, last: date, known: Any) -> Files:
    """All rebuilt, up to a session, from those deliveries of each that `known` chooses among its stamps (ascending)."""
    for asset in DELIVERED:
        for day in deployment.warehouse.stored_sessions(asset):
            for stamp in known(deployment.warehouse.stamps(asset, day)) if day <= last else ():
                path = deployment.warehouse.vintage(asset, day, stamp)
                copy = root / "warehouse" / path.relative_to(deployment.warehouse.root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
    other = small(root, mode)
    make_history(other, FIRST, last, MADE)
    if last == LAST:
        run_job(other, "backtest_reports")
    return files_of(root)


SEVERAL = [
    Restated(session=6, symbol=0, what="prices", hours=100),
    Restated(session=6, symbol=1, what="volume", hours=11),
    Restated(session=9, symbol=2, what="split", hours=20),
    Restated(session=14, symbol=3, what="dividend", hours=1),
    Restated(session=15, symbol=4, what="missing", hours=20_000),
    Restated(session=17, symbol=5, what="prices", hours=13),
]
"""Restated twice, inside the grace, after it, weeks later and long after all that is stored."""


@pytest.mark.parametrize("mode", ["point_in_time", "restated"])
@settings(max_examples=max(1, EXAMPLES), deadline=None, phases=tuple(Phase) if EXAMPLES else (Phase.explicit,))
@given(history=HISTORIES, session=st.integers(8, 23))
@example(history=SEVERAL, session=16)
def test_what_is_stale_is_what_comes_out_otherwise_and_each_session_holds_what_was_known_then(
    built: dict[str, Path], mode: str, history: list[Restated], session: int
) -> None:
    """Precision and recall of `ats stale` are 1, what is healed are the bytes of a build from scratch, and no session holds what was known later."""
    with TemporaryDirectory() as name:
        root = Path(name)
        deployment, before, delivered = copied(built[mode], root / "healed", history, mode)
        made = heal(deployment)
        stored, expected = files_of(root / "healed"), world(deployment, root / "scratch", mode, LAST, lambda stamps: stamps)
        assert differences(stored, expected) == []
        assert pairs(made) == pairs_of(differences(expected, before)) - pairs_of(differences(delivered, before)), "no more and no less"
        assert healing_of(deployment).stale() == []
        found = reproduced(deployment, "backtest_report", [], root / "again")
        assert (found.files.different, found.changed) == ((), ())
        if mode == "point_in_time":
            day = deployment.warehouse.stored_sessions("raw_bars")[session]
            until = deployment.knowledge.until(day)
            known = world(deployment, root / "then", mode, day, lambda stamps: [one for one in stamps if one <= until] or stamps[:1])
            assert {path for path in known if path not in stored} == set()
            assert [path for path, content in known.items() if stored[path] != content] == []
        else:  # a world that was delivered the newest version of each session, and never another one
            day, known = LAST, world(deployment, root / "newest", mode, LAST, lambda stamps: stamps[-1:])
        same = read_by_all(stored, day)
        assert same == read_by_all(known, day)
        assert [path for path in sorted(same) if stored[path] != known[path]] == []


def read_by_all(files: Files, last: date) -> set[str]:
    """The partitions up to a session of what keeps no vintages, models included."""
    found = {path for path in files if Path(path).parts[2].startswith("session=") and "known=" not in path and "/alpha158/" not in path}
    return {path for path in found if Path(path).parts[2] <= f"session={last}"}
