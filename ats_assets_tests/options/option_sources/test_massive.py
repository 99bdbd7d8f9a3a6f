"""Chains from Massive: snapshots that were taken after the close, and what can be known of sessions without one, which is said."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.options.option_sources import massive
from ats_assets.options.option_sources.massive import COLLECTED, MassiveChains, MassiveChainsSettings
from ats_assets.sources.adapters.massive.massive_market import MassiveMarketData
from ats_assets.sources.adapters.massive.massive_settings import MassiveSourceSettings
from ats_assets.vendors.massive.massive_rest import MassivePlanError
from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.kits.option_sources import OptionSourceKit
from ats_assets_tests.small_market import small_market
from ats_assets_tests.sources.adapters.massive.markets import write_bars, write_flat_file
from ats_assets_tests.vendors.doubles import Mishap, VendorDouble, Wrong
from ats_assets_tests.vendors.massive_double import KEY, MassiveData, massive_double
from ats_assets_tests.vendors.massive_market import DAYS, market, nanos
from ats_assets_tests.vendors.quick_vendors import quick_tables

TAKEN = DAYS[2]
EVENING = datetime(2024, 3, 27, 21, tzinfo=UTC)
AGGREGATES, QUOTES = "us_options_opra/day_aggs_v1", "us_options_opra/quotes_v1"
HEADER = "ticker,volume,open,close,high,low,window_start,transactions"


def deployed(folder: Path, url: str, **options: Any) -> Deployment:
    connection = {"url": url, "flat_files": folder / "flat"}
    source = {"kind": "massive", "massive": {"first_session": DAYS[0], "collect": ("option_chains",), "option_underlyings": ("AAPL",)}}
    chains = {"kind": "massive", "first_session": DAYS[0]} | options.pop("chains", {})
    return small_market(
        folder,
        massive=connection,
        vendors=quick_tables(),
        source=source,
        calendar={"first_session": date(2023, 12, 1)},
        options={"chains": chains, "underlyings": ("AAPL", "AAPL1", "BRKB"), "symbol_by_underlying": {"AAPL1": "AAPL", "BRKB": "BRK.B"}}
        | options,
    )


def write_options(folder: Path) -> None:
    """What was traded and quoted in options, as flat files of the first sessions."""
    for n, day in enumerate(DAYS[:4]):
        traded = [f"O:AAPL240419C00{strike}000,{10 + n},5,5.5,6,4,{nanos(day, '00:00:00')},3" for strike in (165, 170)]
        traded.append(f"O:MSFT240419C00400000,7,1,1,1,1,{nanos(day, '00:00:00')},1")
        write_flat_file(folder / "flat", AGGREGATES, day, [HEADER, *traded])
        quoted = ["ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,sequence_number,sip_timestamp"]
        for clock, bid in (("10:00:00", 5.0), ("15:59:59", 5.4), ("16:00:01", 9.9)):
            quoted.append(f"O:AAPL240419C00165000,1,{bid + 0.2:.2f},3,1,{bid},4,1,{nanos(day, clock, 5000)}")
        write_flat_file(folder / "flat", QUOTES, day, quoted)


@pytest.fixture(scope="module")
def vendor() -> Iterator[tuple[VendorDouble, MassiveData]]:
    data = market()
    data.page_rows = 4
    with massive_double(data) as double, pytest.MonkeyPatch.context() as environment:
        environment.setenv("MASSIVE_API_KEY", KEY)
        yield double, data


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, vendor: tuple[VendorDouble, MassiveData]) -> Deployment:
    """With a snapshot of one session in the warehouse, and flat files of the sessions about it."""
    folder = tmp_path_factory.mktemp("market")
    write_options(folder)
    made = deployed(folder, vendor[0].url)
    data = MassiveMarketData(
        MassiveSourceSettings(**made.settings.source.own["massive"]), made.calendar, made.settings, now=lambda: EVENING
    )
    made.warehouse.write(COLLECTED, TAKEN, data.option_chains(TAKEN))
    return made


class TestKit(OptionSourceKit):
    plugin = massive.PLUGIN
    own: ClassVar[Mapping[str, Any]] = {"first_session": DAYS[0], "quotes": True}
    wrong: ClassVar[Mapping[str, Any]] = {"aggregates": "guess"}


class TestThroughTheApi(OptionSourceKit):
    plugin = massive.PLUGIN
    own: ClassVar[Mapping[str, Any]] = {"first_session": DAYS[0], "aggregates": "api", "snapshots": False}
    wrong: ClassVar[Mapping[str, Any]] = {"first_session": "soon"}


def chains(deployment: Deployment, day: date, **own: Any) -> pl.DataFrame:
    return MassiveChains(MassiveChainsSettings(first_session=DAYS[0], **own), deployment).chains(day)


def test_a_snapshot_is_the_chain_of_the_close_that_it_was_taken_after(deployment: Deployment) -> None:
    rows = chains(deployment, TAKEN)
    assert rows.height == 13
    call = rows.filter(contract="AAPL240419C00165000").row(0, named=True)
    told = next(row for row in market().snapshots["AAPL"] if row["details"]["ticker"] == "O:AAPL240419C00165000")
    assert (call["underlying"], call["expiry"], call["strike"], call["right"], call["style"]) == (
        "AAPL",
        date(2024, 4, 19),
        165.0,
        "C",
        "american",
    )
    assert (call["bid"], call["ask"], call["last"]) == (told["last_quote"]["bid"], told["last_quote"]["ask"], told["last_trade"]["price"])
    assert (call["volume"], call["open_interest"], call["vendor_volatility"], call["vendor_delta"]) == (16.0, 106.0, 0.3, 0.5)
    assert (call["underlying_price"], call["multiplier"], call["close"]) == (170.0, 100.0, told["day"]["close"])
    assert call["quoted_at"] == datetime(2024, 3, 27, 19, 59, 59, tzinfo=UTC)
    assert MassiveChains(MassiveChainsSettings(), deployment).sessions() == [TAKEN], "only snapshots, unless a first session is said"


def test_of_a_past_session_what_was_listed_and_traded_is_known(deployment: Deployment) -> None:
    rows = chains(deployment, DAYS[1])
    assert rows["contract"].to_list() == sorted(
        rows["contract"].to_list(), key=lambda name: (name[:-15], name[-15:-9], name[-8:], name[-9])
    )
    assert rows.height == 14, "listed by then and not expired: not the one that was listed later, nor MSFT's"
    call = rows.filter(contract="AAPL240419C00165000").row(0, named=True)
    assert (call["volume"], call["close"], call["bid"], call["open_interest"], call["vendor_volatility"]) == (11.0, 5.5, None, None, None)
    assert rows.filter(underlying="AAPL1")["deliverable"].to_list() == ['[{"amount": 44, "type": "equity", "underlying": "VMW"}]']
    assert rows.filter(underlying="BRKB").height == 1
    listed_later = chains(deployment, DAYS[4])
    assert "AAPL240517C00200000" in listed_later["contract"].to_list()
    assert not listed_later["contract"].str.contains("240328").any(), "expired"
    assert listed_later["volume"].null_count() == listed_later.height, "no flat file of that day: nothing was traded, as far as is known"
    said = MassiveChains(MassiveChainsSettings(first_session=DAYS[0]), deployment).describe()
    assert "bid, ask, open interest, volatility and the underlying's price can't be known afterwards" in said


def test_quotes_of_the_close_come_back_from_flat_files(deployment: Deployment) -> None:
    call = chains(deployment, DAYS[1], quotes=True).filter(contract="AAPL240419C00165000").row(0, named=True)
    assert (call["bid"], call["ask"], call["bid_size"], call["ask_size"]) == (5.4, 5.6, 4.0, 3.0), "the last before the close"
    assert call["quoted_at"] == datetime(2024, 3, 26, 19, 59, 59, 5, tzinfo=UTC)
    alone = chains(deployment, DAYS[1], quotes=True, contracts=False)
    assert alone["contract"].to_list() == ["AAPL240419C00165000", "AAPL240419C00170000"], "flat files alone, without the reference"


def test_a_plan_without_options_a_server_that_fails_and_settings_that_name_no_underlying(
    deployment: Deployment, vendor: tuple[VendorDouble, MassiveData], tmp_path: Path
) -> None:
    double, data = vendor
    double.script += [Mishap(Wrong.TRUNCATED, skip=1), Mishap(Wrong.RATE_LIMIT, skip=2)]
    assert chains(deployment, DAYS[1]).height == 14
    data.without = ("/v3/reference/options",)
    with pytest.raises(MassivePlanError, match="does not include GET /v3/reference/options/contracts"):
        chains(deployment, DAYS[1])
    data.without = ()
    deployed_without = deployed(tmp_path, double.url, underlyings=())
    with pytest.raises(SourceError, match=r"options.underlyings is empty: name whose contracts are asked for"):
        MassiveChains(MassiveChainsSettings(first_session=DAYS[0]), deployed_without)


def test_what_was_missed_is_gone_and_what_is_taken_is_kept(vendor: tuple[VendorDouble, MassiveData], tmp_path: Path) -> None:
    deployment = deployed(tmp_path, vendor[0].url)
    own = MassiveSourceSettings(**deployment.settings.source.own["massive"])
    late = MassiveMarketData(own, deployment.calendar, deployment.settings, now=lambda: datetime(2024, 3, 28, 14, tzinfo=UTC))
    assert not late.can_be_taken(TAKEN)
    with pytest.raises(SourceError, match="what was not taken then is gone"):
        late.option_chains(TAKEN)
    with asked_instance() as instance:
        job = build(deployment).resolve_job_def("market_data")
        assert job.execute_in_process(instance=instance, partition_key=TAKEN.isoformat()).success
    assert deployment.warehouse.read(COLLECTED, [TAKEN]).is_empty(), "missed: an empty partition, and no error"
    assert MassiveChains(MassiveChainsSettings(), deployment).sessions() == []


def test_chains_from_massive_are_screened_like_any_other(vendor: tuple[VendorDouble, MassiveData], tmp_path: Path) -> None:
    write_options(tmp_path)
    write_bars(tmp_path / "flat", vendor[1])
    lenient = {"max_rejected_share": 1.0, "quoted_tolerance_share": 1.0, "unquoted_tolerance_share": 1.0}
    deployment = deployed(tmp_path, vendor[0].url, chains={"snapshots": False}, screening=lenient)
    names = ("raw_bars", "bars", "rejected_bars", "raw_option_chains", "option_chains", "rejected_option_chains")
    with asked_instance() as instance:
        history = build(deployment).resolve_job_def("history")
        selected = [dg.AssetKey(name) for name in names]
        assert history.execute_in_process(instance=instance, partition_key=DAYS[1].isoformat(), asset_selection=selected).success
    kept, others = (deployment.warehouse.read(name, [DAYS[1]]) for name in ("option_chains", "rejected_option_chains"))
    assert kept["contract"].to_list() == ["AAPL240419C00165000", "AAPL240419C00170000"]
    assert set(others["reasons"].explode()) == {"empty", "adjusted_deliverable"}, (
        "those that did not trade say nothing; AAPL1 delivers something else"
    )
