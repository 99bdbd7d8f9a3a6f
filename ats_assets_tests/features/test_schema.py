"""The contract of the Alpha158 frame holds for what `compute` gives, and for nothing else."""

import polars as pl
import pytest
from pandera.errors import SchemaError

from ats_assets.features import ALPHA158, ALPHA158_CONTRACT, ALPHA158_SCHEMA, compute
from ats_assets_tests.expressions.panels import random_walks


@pytest.fixture(scope="module")
def features() -> pl.DataFrame:
    return compute(random_walks(3, 70, seed=1), ALPHA158)


def test_features_satisfy_the_contract(features: pl.DataFrame) -> None:
    assert ALPHA158_CONTRACT.validate(features).equals(features)
    assert features.schema == ALPHA158_SCHEMA


def test_an_empty_frame_satisfies_the_contract() -> None:
    ALPHA158_CONTRACT.validate(pl.DataFrame(schema=ALPHA158_SCHEMA))


def test_each_column_is_described() -> None:
    assert all(column.description for column in ALPHA158_CONTRACT.columns.values())
    assert ALPHA158_CONTRACT.columns["KMID"].description == "($close-$open)/$open (NaN = missing)"


@pytest.mark.parametrize(
    "breaking",
    [
        lambda frame: frame.drop("KMID"),
        lambda frame: frame.with_columns(more=pl.lit(1.0)),
        lambda frame: frame.with_columns(pl.col("KMID").cast(pl.Float64)),
        lambda frame: frame.with_columns(KMID=pl.lit(None, dtype=pl.Float32)),
        lambda frame: frame.select("session", "symbol", *ALPHA158),
        lambda frame: pl.concat([frame, frame.head(1)]),
        lambda frame: frame.with_columns(symbol=pl.lit("")),
    ],
    ids=["lacks one", "one more", "double precision", "null", "order", "doubled", "no name"],
)
def test_other_frames_do_not(features: pl.DataFrame, breaking: object) -> None:
    assert callable(breaking)
    with pytest.raises(SchemaError):
        ALPHA158_CONTRACT.validate(breaking(features))
