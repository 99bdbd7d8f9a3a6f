"""What is spelled for a vendor and read back is what it was, whoever the vendor is; what can be two things is neither, and both are named."""

import string
from datetime import date
from typing import Any, cast

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from ats_assets.errors import SourceError
from ats_assets.intraday.tick_source import TickSourcePlugin
from ats_assets.options.contract import OptionContract, Right, contract_of
from ats_assets.plugins import SOURCES, TICK_SOURCES
from ats_assets.settings.written_symbols import WrittenSymbols
from ats_assets.sources.respelling import respelled_rows
from ats_assets.sources.source import SourcePlugin
from ats_assets.vendors.massive.massive_symbols import SPELLING as MASSIVE
from ats_assets.vendors.spelling import COINS, FIAT, AmbiguousSymbolError, Spelling, spelled_for
from ats_assets.vendors.written_symbols import WRITTEN, written_spelling


def of_adapters() -> dict[str, Spelling]:
    """The spelling of every adapter that comes with the package, as it is without settings, and of every kind of files."""
    found = {}
    for kind in (SOURCES, TICK_SOURCES):
        for name in kind.names():
            if name != "preferred":  # it has those of its vendors
                plugin = cast("SourcePlugin[Any] | TickSourcePlugin[Any]", kind.find(name))
                found[f"{kind.word} {name}"] = plugin.spelling(plugin.settings())
    return found | {f"files of {name}": one for name, one in WRITTEN.items()}


SPELLINGS = of_adapters()
letters = st.text(string.ascii_uppercase, min_size=1, max_size=5)
shares = (
    letters | st.builds("{}.{}".format, letters, st.sampled_from("ABKUW")) | st.builds("{}.PR{}".format, letters, st.sampled_from("ABQ"))
)
pairs = st.builds("{}/{}".format, st.text(string.ascii_uppercase + string.digits, min_size=2, max_size=6), st.sampled_from([*FIAT, *COINS]))
contracts = st.builds(
    lambda root, day, right, strike: OptionContract(root, day, strike, right).symbol,
    letters,
    st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)),
    st.sampled_from(Right),
    st.decimals("0.001", "99999.999", places=3),
)
instruments = shares | pairs | contracts


@given(st.sampled_from(sorted(SPELLINGS)), instruments)
def test_to_a_vendor_and_back_is_the_same_instrument(vendor: str, symbol: str) -> None:
    spelling = SPELLINGS[vendor]
    try:
        spelt = spelling.to_vendor(symbol)
    except SourceError as error:  # the vendor has no such instruments, or another one is spelled so, too: then both are named
        told = str(error)
    else:
        told = symbol
        assert spelling.from_vendor(spelt) == symbol
    assert symbol in told


@given(st.sampled_from(sorted(SPELLINGS)), st.text(string.ascii_letters + string.digits + ".-/:^ ", min_size=1, max_size=12))
def test_what_a_vendor_writes_is_one_instrument_that_it_writes_so_or_an_error(vendor: str, written: str) -> None:
    spelling = SPELLINGS[vendor]
    try:
        symbol = spelling.from_vendor(written)
    except SourceError as error:
        told = str(error)
    else:
        told = written
        assert spelling.to_vendor(symbol) == written
    assert written in told


@given(st.lists(shares | pairs, unique=True, max_size=8))
def test_two_vendors_rows_join_by_the_warehouses_symbols(symbols: list[str]) -> None:
    yahoo, massive = WRITTEN["yahoo"], MASSIVE
    told: dict[str, set[str]] = {}
    for spelling in (yahoo, massive):
        for symbol in symbols:
            try:
                told.setdefault(symbol, set()).add(spelling.warehouses([spelling.to_vendor(symbol)]).popitem()[1])
            except SourceError:
                continue
    assert all(found == {symbol} for symbol, found in told.items())


@pytest.mark.parametrize(
    ("vendor", "theirs", "ours"),
    [
        ("yahoo", "BRK-B", "BRK.B"),
        ("yahoo", "BAC-PB", "BAC.PRB"),
        ("yahoo", "BTC-USD", "BTC/USD"),
        ("yahoo", "^GSPC", "^GSPC"),
        ("nasdaq", "BRK/B", "BRK.B"),
        ("nasdaq", "BAC^B", "BAC.PRB"),
        ("binance", "BTCUSDT", "BTC/USDT"),
        ("binance", "ETHBTC", "ETH/BTC"),
        ("binance_us", "BTCUSD", "BTC/USD"),
        ("coinbase", "BTC-USD", "BTC/USD"),
        ("massive", "BRK.B", "BRK.B"),
        ("massive", "BACpB", "BAC.PRB"),
        ("massive", "X:BTCUSD", "BTC/USD"),
        ("massive", "O:AAPL240621C00170000", "AAPL240621C00170000"),
        ("as_written", "BRK-B", "BRK-B"),
    ],
)
def test_spellings_that_people_know(vendor: str, theirs: str, ours: str) -> None:
    assert WRITTEN[vendor].from_vendor(theirs) == ours
    assert WRITTEN[vendor].to_vendor(ours) == theirs


def test_a_contract_is_that_of_the_options_stage() -> None:
    theirs = "O:SPXW240621P05000000"
    assert WRITTEN["massive"].from_vendor(theirs) == contract_of(theirs).symbol


def test_an_ambiguous_symbol_names_both_and_a_name_settles_it() -> None:
    spelling = Spelling(vendor="us", instruments=frozenset({"pair"}), pair="", paid_in=("USD", "TUSD"))
    with pytest.raises(AmbiguousSymbolError, match="XRPTUSD of us is XRP/TUSD or XRPT/USD"):
        spelling.from_vendor("XRPTUSD")
    with pytest.raises(AmbiguousSymbolError, match="XRP/TUSD or XRPT/USD"):
        spelling.to_vendor("XRPT/USD")
    settled = Spelling(vendor="us", instruments=frozenset({"pair"}), pair="", paid_in=("USD", "TUSD"), names={"XRPTUSD": "XRP/TUSD"})
    assert settled.from_vendor("XRPTUSD") == "XRP/TUSD"
    with pytest.raises(AmbiguousSymbolError, match=r"XRPTUSD of us is XRP/TUSD, and would be XRPT/USD, too"):
        settled.to_vendor("XRPT/USD")


def test_a_name_of_its_own_is_the_only_one_of_an_instrument() -> None:
    own = written_spelling(WrittenSymbols(spelling="yahoo", names={"BRKB": "BRK.B"}))
    assert own.to_vendor("BRK.B") == "BRKB"
    assert own.warehouses(["BRK-B", "BRKB", "A"]) == {"BRKB": "BRK.B", "A": "A"}, "BRK-B is nothing then"
    with pytest.raises(ValidationError, match="names has X and Y as A"):
        WrittenSymbols(names={"X": "A", "Y": "A"})


def test_what_a_vendor_can_not_have_written_is_quarantined_and_costs_no_other_row() -> None:
    rows = pl.DataFrame({"symbol": ["BRK-B", "A-B-C", None], "session": [date(2024, 3, 4)] * 3, "defects": [None, "low: 'x'", None]})
    found = respelled_rows(rows, WRITTEN["yahoo"])
    assert set(found.select("symbol", "defects").rows()) == {
        ("BRK.B", None),
        ("A-B-C", "low: 'x'; symbol: A-B-C is not as yahoo spells"),
        (None, None),
    }


@given(st.lists(instruments, max_size=6))
def test_what_a_vendor_can_not_have_is_not_asked_of_it(symbols: list[str]) -> None:
    assume(not any("TUSD" in symbol for symbol in symbols))
    asked = spelled_for(WRITTEN["coinbase"], symbols)
    assert asked is not None
    assert [WRITTEN["coinbase"].from_vendor(one) for one in asked] == [symbol for symbol in symbols if "/" in symbol]
    assert spelled_for(WRITTEN["coinbase"], None) is None
