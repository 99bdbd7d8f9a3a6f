"""The contract of the Alpha158 frame holds for what `compute` gives, and for nothing else."""

import polars as pl
import pytest
from pandera.errors import SchemaError

from ats_assets.features import compute
from ats_assets.features.built_in import ALPHA158, FAMILIES
from ats_assets.features.contracts import contract, faults
from ats_assets.features.schema import frame_schema
from ats_assets_tests.expressions.panels import random_walks

FAMILY = FAMILIES["alpha158"]
CONTRACT = contract(FAMILY)


@pytest.fixture(scope="module")
def features() -> pl.DataFrame:
    return compute(random_walks(3, 70, seed=1), ALPHA158)


def test_features_satisfy_the_contract(features: pl.DataFrame) -> None:
    assert CONTRACT.validate(features).equals(features)
    assert features.schema == frame_schema(FAMILY)


def test_an_empty_frame_satisfies_the_contract() -> None:
    CONTRACT.validate(pl.DataFrame(schema=frame_schema(FAMILY)))


def test_each_column_is_described() -> None:
    assert all(column.description for column in CONTRACT.columns.values())
    said = CONTRACT.columns["MA20"].description
    assert said == "mean close of 20 sessions over the close: Mean($close, 20)/$close (look-back 19 sessions; NaN = missing)"


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
        CONTRACT.validate(breaking(features))


def test_faults_are_told_by_session(features: pl.DataFrame) -> None:
    bars = features.select("symbol", "session")
    assert faults(FAMILY, features, bars) == {}
    counts = bars.group_by("session").len().filter(pl.col("len") > 1).sort("session")["session"]
    lost, strange, null = counts.head(3).to_list()
    first = features.filter(session=lost).head(1)
    broken = pl.concat(
        [
            features.join(first, on=["symbol", "session"], how="anti").filter(pl.col("session") != null),
            features.filter(session=strange).head(1).with_columns(symbol=pl.lit("ZZZ")),
            features.filter(session=null).with_columns(KMID=pl.lit(None, pl.Float32)),
        ]
    )
    assert faults(FAMILY, broken, bars) == {
        lost: f"alpha158 has no row for the bar of {first['symbol'][0]} (1 in all)",
        strange: "alpha158 has a row without a bar for ZZZ (1 in all)",
        null: "alpha158: missing values are NaN, not null",
    }
