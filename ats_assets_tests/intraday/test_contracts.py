"""The contracts say the same of columns and types as the schemas that need no pandera."""

import pandera.polars as pa
import polars as pl
import pytest

from ats_assets.intraday import INFORMATION_BARS_SCHEMA
from ats_assets.intraday.contracts import InformationBars, MarketQuotes, MarketTrades, RawQuotes, RawTrades, RejectedQuotes, RejectedTrades
from ats_assets.intraday.schema import SCHEMAS
from ats_assets.sources.contracts import schema_violations

CONTRACTS: dict[str, type[pa.DataFrameModel]] = {
    "raw_trades": RawTrades,
    "trades": MarketTrades,
    "rejected_trades": RejectedTrades,
    "raw_quotes": RawQuotes,
    "quotes": MarketQuotes,
    "rejected_quotes": RejectedQuotes,
    "bars": InformationBars,
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_and_schema_agree(name: str) -> None:
    schema = (SCHEMAS | {"bars": INFORMATION_BARS_SCHEMA})[name]
    assert schema_violations(CONTRACTS[name], schema.to_frame()) == []
    assert schema_violations(CONTRACTS[name], schema.to_frame().rename({"symbol": "ticker"}))
    for column, dtype in schema.items():
        other = pl.Int8 if dtype != pl.List(pl.String) else pl.List(pl.Int8)
        assert schema_violations(CONTRACTS[name], schema.to_frame().cast({column: other})), column
