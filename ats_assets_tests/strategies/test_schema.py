from datetime import date

import pandera.polars as pa
import polars as pl
import pytest
from pandera.errors import SchemaErrors

from ats_assets.evaluation.schema import SKILL_SCHEMA, Skill
from ats_assets.predictions.contracts import Predictions
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.strategies.contracts import Signals
from ats_assets.strategies.schema import SIGNALS_SCHEMA

A, B = date(2024, 1, 4), date(2024, 1, 5)


@pytest.mark.parametrize(("model", "schema"), [(Predictions, PREDICTIONS_SCHEMA), (Skill, SKILL_SCHEMA), (Signals, SIGNALS_SCHEMA)])
def test_an_empty_frame_of_the_schema_satisfies_the_contract_and_every_column_is_described(
    model: type[pa.DataFrameModel], schema: pl.Schema
) -> None:
    model.validate(pl.DataFrame(schema=schema), lazy=True)
    columns = model.to_schema().columns
    assert list(columns) == schema.names()
    assert all(column.description for column in columns.values())


def test_rows_pass_and_wrong_ones_are_named() -> None:
    good = pl.DataFrame({"symbol": ["A"], "session": [B], "score": [0.5], "model_session": [A]}, schema=PREDICTIONS_SCHEMA)
    assert Predictions.validate(good, lazy=True).equals(good)
    leak = good.with_columns(model_session=pl.col("session"))
    with pytest.raises(SchemaErrors, match="_fitted_before"):
        Predictions.validate(leak, lazy=True)
    with pytest.raises(SchemaErrors, match="unique"):
        Predictions.validate(pl.concat([good, good]), lazy=True)
    skill = pl.DataFrame([[B, A, 1, A, 9, None, 0.1, [0.0, 0.1, None, 0.3, 0.4], 0.2]], schema=SKILL_SCHEMA, orient="row")
    assert Skill.validate(skill, lazy=True).equals(skill)
