"""A row is the first vendor's that has it and says whose it is; what fails is passed over; and what is made of the rows is what one whole vendor would have given."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import SettingsError, SourceError
from ats_assets.settings import SyntheticSettings
from ats_assets.sources import RAW_BARS_SCHEMA, BarSource
from ats_assets.sources.adapters import preferred
from ats_assets.sources.adapters.preferred import PreferredSource
from ats_assets.sources.adapters.preferred.preferred_settings import PreferredSettings
from ats_assets.sources.adapters.preferred.vendor_differences import NO_BAR, where_vendors_differ
from ats_assets.sources.adapters.synthetic.source import SyntheticSource
from ats_assets.sources.session_index import SessionIndex
from ats_assets.sources.source import Capabilities
from ats_assets_tests.kits.sources import SourceKit
from ats_assets_tests.small_market import FIRST, run_job, small_market

SYNTHETIC: dict[str, Any] = {"symbols": 8, "first_session": "2023-01-03", "last_session": "2023-02-28", "defective_share": 0.0}
MARKET = SyntheticSource(SyntheticSettings.model_validate(SYNTHETIC), SourceKit.calendar)
DAYS = SourceKit.calendar.sessions(MARKET.first_session(), MARKET.latest_session())
WHOLE = MARKET.bars(DAYS)


class Vendor:
    """The synthetic market through a vendor with holes, or one that is down."""

    def __init__(self, name: str, rows: pl.DataFrame = WHOLE, *, down: bool = False, adjustment: Any = "raw") -> None:
        self.name, self._index, self._down, self.capabilities = name, SessionIndex(rows), down, self._can(adjustment)

    @staticmethod
    def _can(adjustment: Any) -> Capabilities:
        return Capabilities(has_vwap=False, adjustment=adjustment, fractional_volume=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(MARKET, name)

    def bars(self, sessions: Any, symbols: Any = None) -> pl.DataFrame:
        self.ask()
        return self._index.rows(sessions, symbols)

    def latest_session(self) -> date:
        self.ask()
        return self._index.sessions[-1]

    def ask(self) -> None:
        if self._down:
            raise SourceError(f"{self.name} is down: ask it later")


def source_of(*vendors: Vendor, **changes: Any) -> PreferredSource:
    opened: Mapping[str, Any] = {one.name: one for one in vendors}
    return PreferredSource(PreferredSettings(order=tuple(opened), **changes), opened)


@given(st.sets(st.integers(0, WHOLE.height - 1)), st.sets(st.integers(0, WHOLE.height - 1)))
@settings(deadline=None)
def test_each_row_is_that_of_the_first_vendor_that_has_it(holes: set[int], other_holes: set[int]) -> None:
    rows = WHOLE.with_row_index()
    first, second = (rows.filter(~pl.col("index").is_in(sorted(lost))).drop("index") for lost in (holes, other_holes))
    doubled = second.with_columns(pl.col("close") * 2)  # so that a row tells whose it is
    found = source_of(Vendor("a", first), Vendor("b", doubled)).bars(DAYS)
    expected = {
        (row["session"], row["symbol"]): ("b", row["close"] * 2, "a: no row")
        for row in rows.filter(pl.col("index").is_in(sorted(holes - other_holes))).iter_rows(named=True)
    } | {(row["session"], row["symbol"]): ("a", row["close"], None) for row in first.iter_rows(named=True)}
    said = {(row["session"], row["symbol"]): (row["vendor"], row["close"], row["vendor_reason"]) for row in found.iter_rows(named=True)}
    assert said == expected
    assert found.height == len(said)
    assert found.equals(found.sort("session", "symbol", maintain_order=True))


def test_a_vendor_that_fails_is_passed_over_and_said() -> None:
    found = source_of(Vendor("a", down=True), Vendor("b"), Vendor("c")).bars(DAYS[:2])
    assert set(found.select("vendor", "vendor_reason").rows()) == {("b", "a: not answered")}
    assert found.drop("vendor", "vendor_reason").equals(MARKET.bars(DAYS[:2]))
    with pytest.raises(SourceError, match=r"(?s)no vendor .* answers for .*a: a is down: ask it later.*b: b is down") as caught:
        source_of(Vendor("a", down=True), Vendor("b", down=True)).bars(DAYS[:2])
    assert "later" in str(caught.value)


def test_one_that_is_late_is_waited_for_and_one_that_is_down_is_not() -> None:
    early = WHOLE.filter(pl.col("session") < DAYS[-1])
    assert source_of(Vendor("a", early), Vendor("b")).latest_session() == DAYS[-2]
    assert source_of(Vendor("a", early, down=True), Vendor("b")).latest_session() == DAYS[-1]


class Young(Vendor):
    """One that has the newest sessions alone, and refuses a range that begins before them, as Kraken does."""

    def first_session(self) -> date:
        return DAYS[-3]

    def bars(self, sessions: Any, symbols: Any = None) -> pl.DataFrame:
        if min(sessions) < DAYS[-3]:
            raise SourceError(f"{self.name} gives its newest days alone")
        return super().bars(sessions, symbols)

    actions = bars


@pytest.mark.parametrize("fill", [True, False])
def test_a_session_is_the_same_with_whatever_others_it_is_asked_for(fill: bool) -> None:
    """Of a range that begins before the first vendor's history, sessions that it has were once the next one's, too."""
    together = source_of(Young("a"), Vendor("b"), fill=fill).bars(DAYS)
    one_by_one = pl.concat([source_of(Young("a"), Vendor("b"), fill=fill).bars([day]) for day in DAYS])
    assert together.equals(one_by_one)
    by_session = dict(together.group_by("session").agg(pl.col("vendor").unique().sort().str.join(", ")).iter_rows())
    assert by_session == {day: "a" if day >= DAYS[-3] else "b" for day in DAYS}
    assert set(together.filter(vendor="b")["vendor_reason"]) == {"a: no row"}
    with pytest.raises(SourceError, match=rf"answers for {DAYS[0]} to {DAYS[-4]}:\n- b: b is down"):
        source_of(Young("a"), Vendor("b", down=True), fill=fill).bars(DAYS)
    assert source_of(Young("a"), Young("b"), fill=fill).bars(DAYS[:2]).is_empty(), "before the history of all"


class Damaged(Vendor):
    """One that can't give some sessions, and says which."""

    def __init__(self, name: str, broken: set[date], said: str = "{} is damaged") -> None:
        super().__init__(name)
        self.broken, self.said, self.times = broken, said, 0

    def bars(self, sessions: Any, symbols: Any = None) -> pl.DataFrame:
        self.times += 1
        if bad := sorted(self.broken & set(sessions)):
            raise SourceError(self.said.format(bad[0]))
        return super().bars(sessions, symbols)


@given(st.sets(st.sampled_from(DAYS)), st.booleans())
@settings(deadline=None, max_examples=30)
def test_a_session_that_fails_takes_no_other_with_it(broken: set[date], fill: bool) -> None:
    """All of a range, of half a year in a backfill, once came from the next vendor where the first could not give one session of it."""
    found = source_of(Damaged("a", broken), Vendor("b"), fill=fill).bars(DAYS)
    said = found.group_by("session").agg(pl.col("vendor").unique(), pl.col("vendor_reason").unique())
    assert {day: (*whose, *why) for day, whose, why in said.iter_rows()} == {
        day: ("b", "a: not answered") if day in broken else ("a", None) for day in DAYS
    }


def test_what_fails_for_all_sessions_alike_is_asked_for_three_times_and_told(caplog: pytest.LogCaptureFixture) -> None:
    vendor = Damaged("a", set(DAYS), "no such symbol: X")
    source = source_of(vendor, Vendor("b"))
    source.bars(DAYS)
    assert vendor.times == 3, "together and both halves"
    assert f"a does not answer for {DAYS[0]} to {DAYS[-1]}, and the next vendor is asked: no such symbol: X" in caplog.text
    assert "no such symbol: X" in source.describe()


def test_without_filling_all_rows_are_of_one_vendor() -> None:
    some = WHOLE.filter(pl.col("symbol") != WHOLE["symbol"][0])
    assert source_of(Vendor("a", some), Vendor("b"), fill=False).bars(DAYS)["vendor"].unique().to_list() == ["a"]
    assert source_of(Vendor("a", some), Vendor("b")).bars(DAYS).filter(vendor="b")["symbol"].unique().to_list() == [WHOLE["symbol"][0]]


def test_prices_that_are_adjusted_in_other_ways_are_refused() -> None:
    with pytest.raises(SettingsError, match="a raw, b split"):
        source_of(Vendor("a"), Vendor("b", adjustment="split")).bars(DAYS[:1])
    silent = source_of(Vendor("a", adjustment="unknown"), Vendor("b"))
    assert silent.capabilities.adjustment == "raw"
    assert "a does not say how its prices are adjusted" in silent.recognised()[0]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"order": ["files"]}, "at least two"),
        ({"order": ["files", "files"]}, "each once"),
        ({"order": ["files", "synthetic"], "alpaca": {}}, "tables of alpaca"),
        ({"order": ["files", "again"], "again": {"kind": "preferred"}}, "one of its own vendors"),
    ],
)
def test_an_order_that_makes_no_sense_says_what_to_change(own: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PreferredSettings.model_validate(own)


def test_settings_that_no_bar_follows_from_make_nothing_stale() -> None:
    own = PreferredSettings.model_validate(
        {"order": ["files", "synthetic"], "files": {"path": "/a"}, "synthetic": SYNTHETIC, "compare": True}
    )
    followed = preferred.PLUGIN.bars_follow(own)
    assert followed == preferred.PLUGIN.bars_follow(own.model_copy(update={"compare": False, "tolerance_bps": 9.0}))
    other = own.model_copy(update={"vendors": own.vendors | {"files": {"path": "/a", "adjusted": True}}})
    assert followed != preferred.PLUGIN.bars_follow(other)
    assert preferred.PLUGIN.bars_follow(own.model_copy(update={"order": ("synthetic", "files")})) != followed


@given(st.lists(st.sampled_from([-0.02, -4e-4, 0.0, 4e-4, 0.02]), min_size=4, max_size=4))
@settings(deadline=None, max_examples=30)
def test_a_comparison_tells_just_what_is_farther_off_than_the_tolerance(moves: list[float]) -> None:
    taken = MARKET.bars(DAYS[:1]).with_columns(vendor=pl.lit("a"), vendor_reason=pl.lit(None, pl.String))
    factors = dict(zip(("open", "high", "low", "close"), moves, strict=True))
    other = taken.select(RAW_BARS_SCHEMA.names()).with_columns(pl.col(name) * (1 + move) for name, move in factors.items())
    found = where_vendors_differ(taken, {"b": other}, price_tolerance=5e-4, volume_tolerance=0.0)
    far = {name for name, move in factors.items() if abs(move) > 5e-4}
    assert set(found["field"]) == far
    assert found.height == len(far) * taken.height
    for name, move in factors.items():
        assert all(abs(value - move) < 1e-9 for value in found.filter(field=name)["difference"])


def test_a_bar_that_only_one_vendor_has_is_told() -> None:
    rows = MARKET.bars(DAYS[:1])
    taken = rows[1:].with_columns(vendor=pl.lit("a"), vendor_reason=pl.lit(None, pl.String))
    found = where_vendors_differ(taken, {"b": rows[:-1]}, price_tolerance=0.0, volume_tolerance=0.0)
    assert found.select("symbol", "field", "taken_vendor").rows() == [(rows["symbol"][0], NO_BAR, None), (rows["symbol"][-1], NO_BAR, "a")]


def written(folder: Path, rows: pl.DataFrame, name: str = "bars") -> Path:
    path = folder / f"{name}.parquet"
    rows.drop("session", "defects").write_parquet(path)
    return path


def test_what_two_vendors_have_between_them_is_in_the_warehouse_as_one_whole_vendor_would_have_given_it(tmp_path: Path) -> None:
    plain = small_market(tmp_path / "plain", source={"synthetic": {**SYNTHETIC, "splits_per_year": 0.0}}, calendar={"first_session": FIRST})
    market = plain.source
    days = plain.calendar.sessions(market.first_session(), market.latest_session())[:3]
    rows = market.bars(days)
    holed = written(tmp_path, rows.filter(pl.int_range(pl.len()) % 3 > 0).with_columns(volume=pl.col("volume")))
    tables = {"order": ("files", "synthetic"), "files": {"path": str(holed)}, "synthetic": {**SYNTHETIC, "splits_per_year": 0.0}}
    both = small_market(
        tmp_path / "both",
        source={"kind": "preferred", "own": {"preferred": {**tables, "compare": True}}},
        calendar={"first_session": FIRST},
        bars={"gap_sessions": 2},
    )
    names = ("raw_bars", "raw_corporate_actions", "bars", "rejected_bars")
    assert run_job(plain, "history", days, names).success
    assert run_job(both, "history", days, (*names, "bar_gaps")).success
    assert both.warehouse.read("bars", days).equals(plain.warehouse.read("bars", days))
    raw = both.warehouse.read("raw_bars", days)
    assert dict(raw.group_by("vendor", "vendor_reason").len().select("vendor", "len").iter_rows()) == {
        "files": rows.height - -(-rows.height // 3),
        "synthetic": -(-rows.height // 3),
    }
    gaps = both.warehouse.read("bar_gaps", days)
    filled = raw.filter(pl.col("vendor_reason").is_not_null(), pl.col("symbol").is_not_null()).select("session", "symbol").unique()
    assert set(gaps.filter(reason="filled").select("session", "symbol").rows()) == set(filled.rows())
    assert set(gaps.filter(reason="filled").select("vendor", "details").rows()) == {("synthetic", "files: no row")}
    asked = run_job(both, "market_data", days[-1:])
    assert asked.success
    (agreed,) = asked.get_asset_check_evaluations()
    assert (agreed.check_name, agreed.passed) == ("vendors_agree", True), "a vendor that lacks a symbol says nothing of it"
    compared = both.warehouse.read("vendor_comparison", days[-1:])
    assert set(compared["field"]) <= {NO_BAR}
    assert set(compared["vendor"]) == {"files"}, "which lacks what was taken from the other"


class TestPreferred(SourceKit):
    plugin = preferred.PLUGIN
    wrong: ClassVar[dict[str, Any]] = {"order": ["synthetic"]}
    own: ClassVar[dict[str, Any]] = {
        "order": ["one", "two"],
        "one": {"kind": "synthetic", **SYNTHETIC, "symbols": 4, "splits_per_year": 4.0},
        "two": {"kind": "synthetic", **SYNTHETIC, "defective_share": 0.02},
    }

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        tables = {
            "order": ["one", "two"],
            "one": {"kind": "files", "path": str(folder / "a")},
            "two": {"kind": "files", "path": str(folder / "b")},
        }
        yield self.plugin.make(PreferredSettings.model_validate(tables), self.calendar, self.settings(folder))
