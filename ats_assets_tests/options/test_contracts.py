"""The contracts of chains say the same of columns and types as the schemas that need no pandera."""

import pandera.polars as pa
import polars as pl
import pytest

from ats_assets.options.contracts import OptionChains, RawOptionChains, RejectedOptionChains
from ats_assets.options.schema import OPTION_CHAINS_SCHEMA, RAW_OPTION_CHAINS_SCHEMA, REJECTED_OPTION_CHAINS_SCHEMA
from ats_assets.sources.contracts import schema_violations

PAIRS = [
    (RawOptionChains, RAW_OPTION_CHAINS_SCHEMA),
    (OptionChains, OPTION_CHAINS_SCHEMA),
    (RejectedOptionChains, REJECTED_OPTION_CHAINS_SCHEMA),
]


@pytest.mark.parametrize(("model", "schema"), PAIRS, ids=["raw", "accepted", "rejected"])
def test_contract_and_schema_agree(model: type[pa.DataFrameModel], schema: pl.Schema) -> None:
    assert schema_violations(model, schema.to_frame()) == []
    assert schema_violations(model, schema.to_frame().rename({"underlying": "symbol"}))
    for column, dtype in schema.items():
        other = pl.Int8 if dtype != pl.List(pl.String) else pl.List(pl.Int8)
        assert schema_violations(model, schema.to_frame().cast({column: other})), column
