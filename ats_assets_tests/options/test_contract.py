"""Symbols of options: what is written can be read, alone and in columns."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import OptionError
from ats_assets.options.contract import OptionContract, Right, contract_of, parts_of, symbols_of

CONTRACTS = st.builds(
    OptionContract,
    st.from_regex(r"[A-Z][A-Z0-9]{0,9}", fullmatch=True),
    st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)),
    st.integers(1, 99_999_999).map(lambda thousandths: Decimal(thousandths) / 1000),
    st.sampled_from(Right),
)
COLUMNS = ("underlying", "expiry", "strike", "right")


@given(st.lists(CONTRACTS, min_size=1, max_size=20))
def test_round_trip_in_every_spelling_and_in_columns(contracts: list[OptionContract]) -> None:
    for contract in contracts:
        assert contract_of(contract.symbol) == contract_of(contract.padded_symbol) == contract_of(f"O:{contract.symbol}") == contract
        assert len(contract.padded_symbol) == 15 + max(6, len(contract.underlying))
        assert len(contract.symbol) == 15 + len(contract.underlying)
    rows = pl.DataFrame(
        [(one.underlying, one.expiry, float(one.strike), str(one.right), one.symbol) for one in contracts],
        schema=[*COLUMNS, "symbol"],
        orient="row",
    )
    assert rows.select(symbols_of(*map(pl.col, COLUMNS))).to_series().to_list() == rows["symbol"].to_list()
    for spelling in (pl.col("symbol"), pl.lit("O:") + pl.col("symbol")):
        assert rows.select(**parts_of(spelling)).equals(rows.select(COLUMNS))
    assert sorted(contracts) == sorted(contracts, key=lambda one: (one.underlying, one.expiry, one.strike, one.right))


def test_as_the_clearing_corporation_and_vendors_write_it() -> None:
    assert OptionContract("SPXW", dt.date(2023, 6, 23), Decimal(4200), Right.PUT).symbol == "SPXW230623P04200000"
    assert contract_of("TSLA  260123C00500000").strike == 500
    assert contract_of("O:A251219P00062500") == OptionContract("A", dt.date(2025, 12, 19), Decimal("62.50"), Right.PUT)


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "AAPL",
        "AAPL140621X00093570",
        "AAPL141332C00093570",
        "aapl140621C00093570",
        "AAPL140621C93570",
        "7A140621C00093570",
        "AAPL140621C00000000",
    ],
)
def test_what_is_no_symbol_is_refused(symbol: str) -> None:
    with pytest.raises(OptionError):
        contract_of(symbol)


@pytest.mark.parametrize(
    ("underlying", "expiry", "strike"),
    [
        ("BRK.B", dt.date(2024, 1, 19), 100.0),
        ("AAPL", dt.date(1999, 1, 15), 100.0),
        ("AAPL", dt.date(2024, 1, 19), 0.0),
        ("AAPL", dt.date(2024, 1, 19), -5.0),
        ("AAPL", dt.date(2024, 1, 19), 100.0005),
        ("AAPL", dt.date(2024, 1, 19), 1e5),
        ("AAPL", dt.date(2024, 1, 19), float("nan")),
        ("AAPL", dt.date(2024, 1, 19), float("inf")),
    ],
)
def test_what_has_no_symbol_is_null_in_columns_and_refused_alone(underlying: str, expiry: dt.date, strike: float) -> None:
    row = pl.DataFrame(
        [(underlying, expiry, strike, "C")],
        schema=dict(zip(COLUMNS, (pl.String, pl.Date, pl.Float64, pl.String), strict=True)),
        orient="row",
    )
    assert row.select(symbols_of(*map(pl.col, COLUMNS))).item() is None
    with pytest.raises(OptionError, match=r"can't be written|no root"):
        OptionContract(underlying, expiry, Decimal(str(strike)), Right.CALL)
