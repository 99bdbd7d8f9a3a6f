"""Checking a frame against its data contract."""

from collections.abc import Sequence

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData
from pandera.errors import SchemaError, SchemaErrors

from ats_assets.errors import ContractError


def satisfied(data: PolarsData, rule: pl.Expr) -> pl.LazyFrame:
    """Evaluate a rule over whole rows, as pandera wants it: one boolean column; a row without a value cannot break the rule."""
    return data.lazyframe.select(rule.fill_null(value=True))


def schema_violations(model: type[pa.DataFrameModel], frame: pl.DataFrame, *, limit: int = 20) -> list[str]:
    """Hold a frame against a contract: "column: rule: example" for each violation, empty where it holds."""
    try:
        model.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases.head(limit).select("column", "check", "failure_case").iter_rows()
        return [f"{column or model.__name__}: {check}: {str(case)[:200]}" for column, check, case in cases]
    except SchemaError as error:
        return [str(error)]
    return []


def require(violations: Sequence[str]) -> None:
    """Refuse to store what screening let through although the contract forbids it.

    Raises
    ------
    ContractError
        If there is a violation.
    """
    if violations:
        raise ContractError(f"screening let through what the contract forbids; report this as a bug: {'; '.join(violations)}")
