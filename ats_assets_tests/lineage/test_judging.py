"""Verdicts that are kept and judged again where something changed: they are those of judging everything, after any changes."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.lineage import AssetRule, LineageIndex, LineageRules, PartitionWindow, Staleness, judge
from ats_assets.lineage import judging as judging_module
from ats_assets.lineage.index import read_entries
from ats_assets.lineage.wholes import differences_of
from ats_assets_tests.small_market import small_market

DAYS = 30


def rule(asset: str, *windows: PartitionWindow, **more: object) -> AssetRule:
    return AssetRule(**{"asset": asset, "windows": windows, "code_version": "c", "settings_version": "s", "made_with": (asset,)} | more)  # pyright: ignore[reportArgumentType]


RULES = [
    rule("raw_bars", from_source=True, vintages_of="raw_bars"),
    rule("bars", PartitionWindow(asset="raw_bars"), vintages_of="raw_bars", made_with=("bars", "rejected_bars")),
    rule("rejected_bars", PartitionWindow(asset="raw_bars"), vintages_of="raw_bars", made_with=("bars", "rejected_bars")),
    rule("features", PartitionWindow(asset="bars", back=4)),
    rule("labels", PartitionWindow(asset="bars", back=3)),
    rule("fits", PartitionWindow(asset="features", back=9, lag=2), PartitionWindow(asset="labels", back=7), refit="weekly"),
    rule("scores", PartitionWindow(asset="features"), PartitionWindow(asset="fits", back=1, lag=1)),
    rule("result", PartitionWindow(asset="scores"), PartitionWindow(asset="bars"), partitioned=False),
    rule("report", PartitionWindow(asset="result"), PartitionWindow(asset="scores"), partitioned=False, tells_restatements=True),
]


class World:
    """A warehouse that is changed at random, as runs, restatements, crashes and people do."""

    def __init__(self, root: Path, seed: int) -> None:
        self.deployment: Deployment = small_market(root)
        self.random = random.Random(seed)
        self.rules = LineageRules(RULES)
        self.calendar = self.deployment.calendar
        self.days = self.calendar.sessions(date(2021, 1, 4), date(2021, 6, 30))[:DAYS]
        self.index = LineageIndex(self.deployment)

    def change(self) -> bool:
        """Change something; whether the log tells of it."""
        made = self.random.choices(("delivery", "partition", "whole", "deletion", "by hand"), (3, 12, 2, 1, 1))[0]
        day = self.days[min(DAYS - 1, int(self.random.random() ** 0.5 * DAYS))]
        if made == "delivery":
            known = datetime(2021, 7, 1, tzinfo=UTC) if self.random.random() < 0.5 else self.calendar.closes_at(day)
            known += timedelta(seconds=self.random.randrange(10_000))
            self.deployment.warehouse.write_vintage("raw_bars", day, self.rows(), known=known, code_version="c", settings_version="s")
        elif made == "whole":
            self.whole(self.random.choice(("result", "report")))
        elif made == "partition":
            self.partition(self.random.choice([one for one in RULES if one.partitioned and not one.from_source]), day)
        else:
            return self.delete(announced=made == "deletion")
        return True

    def rows(self) -> pl.DataFrame:
        return pl.DataFrame({"symbol": ["A"], "x": [self.random.randrange(3)]})

    def delete(self, *, announced: bool) -> bool:
        files = sorted(self.deployment.warehouse.root.glob("*/*/*.parquet"))
        if not files:
            return True
        path = self.random.choice(files)
        if announced:
            self.deployment.warehouse.log.announce(path)
        path.unlink()
        return announced

    def partition(self, of: AssetRule, day: date, *, odd: float = 0.1) -> None:
        """One partition as a run makes it of what is stored; in a share of cases by other code or of something else."""
        warehouse = self.deployment.warehouse
        code = "other" if self.random.random() < odd else "c"
        if of.vintages_of:
            for stamp in warehouse.stamps("raw_bars", day):
                upstream = {"raw_bars": {str(day): warehouse.footer_of(warehouse.vintage("raw_bars", day, stamp)).data_version}}
                versions = {"code_version": code, "settings_version": "s"}
                warehouse.write_made_vintage(of.asset, day, self.rows(), stamp=stamp, upstream=upstream, **versions)
            return
        windows = of.windows_read(day, self.calendar)
        upstream = {window.asset: self.versions(window, day) for window in windows}
        if self.random.random() < odd and upstream:
            upstream.popitem()
        warehouse.write(of.asset, day, self.rows(), code_version=code, settings_version="s", upstream=upstream)

    def versions(self, window: PartitionWindow, day: date) -> dict[str, str]:
        at = self.calendar.position(day)
        first = self.calendar.position(self.days[0])
        sessions = [self.calendar.offset(self.calendar.first, place) for place in range(max(first, at - window.back), at - window.lag + 1)]
        warehouse = self.deployment.warehouse
        until = self.deployment.knowledge.until(day)
        found: dict[str, str] = {}
        for one in sessions:
            if window.asset == "bars":
                stamps = warehouse.stamps("bars", one)
                if stamps:
                    stamp = max([stamp for stamp in stamps if stamp <= until], default=stamps[0])
                    found[str(one)] = warehouse.footer_of(warehouse.vintage("bars", one, stamp)).data_version
            elif warehouse.exists(window.asset, one):
                found[str(one)] = warehouse.footer(window.asset, one).data_version
        return found

    def whole(self, asset: str) -> None:
        warehouse = self.deployment.warehouse
        stored = {name: [day for day in self.days if warehouse.exists(name, day)] for name in ("scores", "bars")}
        upstream = {
            name: {str(day): self.versions(PartitionWindow(asset=name), day).get(str(day), "") for day in days}
            for name, days in stored.items()
        }
        if asset == "report":
            upstream.pop("bars")
            upstream["result"] = {"table": "?"}
        warehouse.write_part(asset, "table", self.rows(), code_version="c", settings_version="s", upstream=upstream)

    def agree(self, *, full: bool) -> int:
        """That what is kept and judged again is what a judgement of everything finds; how many are stale."""
        self.index.refresh(full=full)
        kept = judge(self.deployment, self.rules, self.index)
        entries = self.index.work(read_entries)
        whole = Staleness(self.deployment, self.rules, entries).stale()
        key = lambda one: (one.asset, one.session)  # noqa: E731
        assert sorted(kept, key=key) == sorted(whole, key=key)
        assert [one.asset for one in kept] == [one.asset for one in whole]
        return len(kept)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_as_judged_from_scratch(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Whatever is written, restated, deleted or changed by hand, in one go or in several: verdicts are those of judging all entries."""
    world = World(tmp_path_factory.mktemp("world"), seed)
    found = 0
    for _ in range(12):
        told = [world.change() for _ in range(world.random.choice((1, 1, 2, 8, 40)))]
        found += world.agree(full=not all(told))
    assert found


def test_only_what_is_concerned_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one new session nothing is judged that lies before its windows."""
    world = World(tmp_path, 1)
    for day in world.days[:-1]:
        world.deployment.warehouse.write_vintage(
            "raw_bars", day, world.rows(), known=world.calendar.closes_at(day), code_version="c", settings_version="s"
        )
        for one in RULES:
            if one.partitioned and not one.from_source:
                world.partition(one, day, odd=0)
    world.agree(full=True)
    read: list[str] = []

    def watched(*arguments: object, **options: bool) -> list[object]:
        entries = read_entries(*arguments, **options)  # pyright: ignore[reportArgumentType]
        read.extend(entry.key for entry in entries if entry.reads)
        return entries

    monkeypatch.setattr(judging_module, "read_entries", watched)
    last = world.days[-1]
    world.deployment.warehouse.write_vintage(
        "raw_bars", last, world.rows(), known=world.calendar.closes_at(last), code_version="c", settings_version="s"
    )
    assert world.index.refresh(full=False) < len(world.days) * len(
        RULES
    )  # announced a moment ago, so looked at again, and read only where changed
    judge(world.deployment, world.rules, world.index)
    assert read
    assert min(key for key in read if key[:1].isdigit()) >= str(world.days[-10])


def test_what_is_kept_of_a_report_goes_with_its_file(tmp_path: Path) -> None:
    """It stayed in the index until everything was judged again."""
    world = World(tmp_path, 1)
    for day in world.days:
        world.partition(RULES[6], day, odd=0)
    for asset in ("result", "report"):
        world.whole(asset)
    world.agree(full=True)

    def kept(table: str) -> set[str]:
        query = f"SELECT DISTINCT path FROM {table}"
        return {Path(path).parent.name for (path,) in world.index.work(lambda connection: connection.execute(query).fetchall())}

    assert (kept("recorded"), kept("differences")) == ({"result", "report"}, {"report"})
    path = world.deployment.warehouse.root / "report" / "table.parquet"
    world.deployment.warehouse.log.announce(path)
    path.unlink()
    world.index.refresh(full=False)
    assert (kept("recorded"), kept("differences")) == ({"result"}, set())
    world.agree(full=False)


@pytest.mark.parametrize(
    ("recorded", "now", "kinds"),
    [
        ({"a": "1"}, {"a": "1"}, {}),
        ({"a": "1"}, {"a": "2"}, {"changed": ["a"]}),
        ({}, {"a": "2"}, {"added": ["a"]}),
        ({"a": "1"}, {"a": None}, {"missing or damaged": ["a"]}),
        ({}, {"a": None}, {"missing or damaged": ["a"]}),
        ({"a": ""}, {"a": None}, {}),
        ({"a": ""}, {"a": "1"}, {"changed": ["a"]}),
        ({"a": "1", "b": "1"}, {"b": "2", "c": "3"}, {"not read any more": ["a"], "changed": ["b"], "added": ["c"]}),
    ],
)
def test_the_kinds_of_differences(recorded: dict[str, str], now: dict[str, str | None], kinds: dict[str, list[str]]) -> None:
    """Of windows and of reports alike; a window that had read a partition while it was not there was told that it is missing now."""
    assert differences_of(recorded, now) == kinds
