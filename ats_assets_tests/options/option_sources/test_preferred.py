"""The chain of an underlying is the first vendor's that has it, never of two; each row says whose it is and why; what is down is passed over; and a later answer is a new vintage."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.options.option_sources import preferred
from ats_assets.options.option_sources.preferred import PreferredChains, PreferredChainsSettings
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets_tests.kits.option_sources import OptionSourceKit
from ats_assets_tests.options.chains import CHAINS, SESSION, contract_row, delivered, market_with_options
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import run_job
from ats_assets_tests.sources.recorded_session import RecordedSession

WEEK = [date(2021, 1, day) for day in (4, 5, 6)]
CLOSES = datetime(2021, 1, 4, 21, tzinfo=UTC)


def recorded(rows: pl.DataFrame | None, session: date = SESSION) -> RecordedSession:
    return RecordedSession(rows, session, CLOSES)


def source(first: pl.DataFrame | None, second: pl.DataFrame | None, **own: Any) -> PreferredChains:
    made = PreferredChainsSettings(order=("one", "two"), **own)
    return PreferredChains(made, {"one": recorded(first), "two": recorded(second)})


CONTRACTS = st.sets(st.tuples(st.sampled_from(["AAA", "BBB", None]), st.sampled_from([95.0, 100.0]), st.sampled_from("CP")))


@given(CONTRACTS, CONTRACTS, st.sampled_from(["sessions", "underlyings"]))
@settings(deadline=None, max_examples=rounds(30, 300))
def test_an_underlyings_chain_is_that_of_the_first_vendor_that_has_any(
    one: set[tuple[str | None, float, str]], two: set[tuple[str | None, float, str]], fill: Any
) -> None:
    def of(contracts: set[tuple[str | None, float, str]], volume: float) -> pl.DataFrame:
        rows = [contract_row(strike, right, underlying=root, contract="", volume=volume) for root, strike, right in contracts]
        return delivered(*sorted(rows, key=str))

    found = source(of(one, 1.0), of(two, 2.0), fill=fill).chains(SESSION)
    told = {(*row[:3], row[3], row[4]) for row in found.select("underlying", "strike", "right", "vendor", "volume").iter_rows()}
    roots = {root for root, _, _ in one}
    added = set() if one and (fill == "sessions") else {key for key in two if key[0] not in roots and (key[0] or not one)}
    assert told == {(*key, "one", 1.0) for key in one} | {(*key, "two", 2.0) for key in added}
    assert found.height == len(told)
    assert set(found.select("vendor", "vendor_reason").rows()) <= {("one", None), ("two", "one: no row")}
    assert found.drop(VENDOR_SCHEMA.names()).equals(delivered(*found.drop(VENDOR_SCHEMA.names()).to_dicts()))


def test_a_vendor_that_is_down_is_passed_over_and_said() -> None:
    rows = delivered(contract_row())
    passed = source(None, rows)
    found = passed.chains(SESSION)
    assert found.select("vendor", "vendor_reason").rows() == [("two", "one: not answered")]
    assert f"one does not answer for {SESSION}, and the next vendor is asked: it is down" in passed.describe()
    with pytest.raises(
        SourceError, match=r"(?s)no vendor of options.chains.order answers for 2021-01-04:.*one: it is down.*two: it is down"
    ):
        source(None, None).chains(SESSION)
    young = recorded(rows, SESSION + timedelta(days=1))
    lacking = PreferredChains(PreferredChainsSettings(order=("one", "two")), {"one": recorded(None), "two": young})
    with pytest.raises(SourceError, match="one: it is down"):  # that the other one begins later does not make it an empty session
        lacking.chains(SESSION)


def market(root: Path) -> Deployment:
    """One vendor of files, and behind it another whose chains are made on the bars."""
    tables = {"one": {"kind": "files", "path": str(root / "one")}, "two": {"kind": "synthetic", "underlyings": 2, "defective_share": 0.02}}
    return market_with_options(root, {"kind": "preferred", "order": ["one", "two"], **tables})


def write(root: Path, day: date, rows: pl.DataFrame) -> None:
    (root / "one").mkdir(exist_ok=True)
    rows.drop("defects", "session", *VENDOR_SCHEMA.names(), strict=False).write_csv(root / "one" / f"{day}.csv")


def test_in_the_warehouse_each_row_has_its_vendor_and_a_later_answer_is_a_new_vintage(tmp_path: Path) -> None:
    """The first vendor has one underlying of two on the first day, and nothing of the second day until later."""
    made = market_with_options(tmp_path, {"kind": "synthetic", "underlyings": 2, "defective_share": 0.0})
    run_job(made, "history", WEEK, ["raw_bars", "bars", "rejected_bars", *CHAINS[:1]])
    own = {day: made.warehouse.read(CHAINS[0], [day]).with_columns(volume=pl.lit(7.0)) for day in WEEK}
    first, second = own[WEEK[0]]["underlying"].unique().sort()
    for vintage in made.warehouse.path(CHAINS[0], WEEK[0]).parent.parent.glob("*/*.parquet"):
        vintage.unlink()
    write(tmp_path, WEEK[0], own[WEEK[0]].filter(underlying=first))
    write(tmp_path, WEEK[2], own[WEEK[2]])
    deployment = market(tmp_path)
    assert run_job(deployment, "history", WEEK, list(CHAINS)).success
    warehouse = deployment.warehouse
    whose = warehouse.read(CHAINS[0], WEEK).select("session", "underlying", "vendor", "vendor_reason").unique().sort(pl.all()).rows()
    assert whose == [
        (WEEK[0], first, "one", None),
        (WEEK[0], second, "two", "one: no row"),
        (WEEK[1], first, "two", "one: no row"),
        (WEEK[1], second, "two", "one: no row"),
        (WEEK[2], first, "one", None),
        (WEEK[2], second, "one", None),
    ]
    raw, kept, rejected = (warehouse.read(asset, WEEK) for asset in CHAINS)
    assert raw.height == kept.height + rejected.height
    assert set(kept.filter(session=WEEK[2])["volume"]) == {7.0}
    before = {path: path.read_bytes() for path in sorted((warehouse.path(CHAINS[0], WEEK[1]).parent).glob("*.parquet"))}
    write(tmp_path, WEEK[1], own[WEEK[1]])
    assert run_job(market(tmp_path), "history", WEEK[1:2], list(CHAINS)).success
    stamps = warehouse.stamps(CHAINS[0], WEEK[1])
    assert len(stamps) == 2
    assert {path: path.read_bytes() for path in before} == before
    assert warehouse.read(CHAINS[1], WEEK[1:2])["volume"].max() != 7.0, "what the session knew stays"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """With bars of three sessions, and chains of the first two as files."""
    root = tmp_path_factory.mktemp("market")
    made = market_with_options(root, {"kind": "synthetic", "underlyings": 3})
    run_job(made, "history", WEEK, ["raw_bars", "bars", "rejected_bars"])
    for day in WEEK[:2]:
        write(root, day, preferred.OPTION_SOURCES.made("synthetic", {"underlyings": 1}, None, "", made).chains(day))
    TestPreferred.own = {"order": ["one", "two"], "one": {"kind": "files", "path": str(root / "one")}, "two": {"kind": "synthetic"}}
    return made


class TestPreferred(OptionSourceKit):
    plugin = preferred.PLUGIN
    own: ClassVar[Mapping[str, Any]] = {"order": ["one", "two"], "one": {"kind": "files"}, "two": {"kind": "synthetic"}}
    wrong: ClassVar[Mapping[str, Any]] = {"order": ["files"]}
