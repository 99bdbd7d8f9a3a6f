"""What of a data contract is broken, in one line."""

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors


def broken_rules(contract: pa.DataFrameSchema, rows: pl.DataFrame, *, most: int = 3) -> str:
    """Name each broken rule once, "column: rule; column: rule", the first `most` of them; empty where the contract holds.

    For the verdict of a check, which stands in one line of the web UI; `schema_violations` says each violation with an example.

    Examples
    --------
    >>> contract = pa.DataFrameSchema({"close": pa.Column(float, pa.Check.gt(0), unique=True)})
    >>> broken_rules(contract, pl.DataFrame({"close": [1.0, -1.0, -2.0]}))
    'close: greater_than(0)'
    >>> broken_rules(contract, pl.DataFrame({"close": [1.0, 2.0]}))
    ''
    """
    try:
        contract.validate(rows, lazy=True)
    except SchemaErrors as error:
        of_columns = pl.col("check").str.starts_with(
            "column_"
        )  # one is missing, one too many, or in another place: only the case says which
        said = pl.format("{}: {}", "check", "failure_case")
        rules = error.failure_cases.select("column", pl.when(of_columns).then(said).otherwise("check")).unique(maintain_order=True)
        return "; ".join(f"{column}: {rule}" for column, rule in rules.head(most).iter_rows())
    return ""
