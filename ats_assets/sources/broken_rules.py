"""What of a data contract is broken, in one line."""

from collections.abc import Iterable
from datetime import date

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


def sessions_with_broken_rules(contract: pa.DataFrameSchema, rows: pl.DataFrame, sessions: Iterable[date]) -> dict[date, str]:
    """Name the broken rules of each session that breaks some, by `broken_rules`.

    All rows are looked at once, and one session after the other only where a rule is broken: a look takes as long for a few rows as for many. So no rule may hold within each session
    and be broken by all of them together: what is to be unique has the session in it.

    Parameters
    ----------
    rows
        Of these sessions, with the column session; a session may have none.

    Examples
    --------
    >>> contract = pa.DataFrameSchema({"session": pa.Column(pl.Date), "close": pa.Column(float, pa.Check.gt(0))})
    >>> rows = pl.DataFrame({"session": [date(2024, 1, 2), date(2024, 1, 3)], "close": [1.0, -1.0]})
    >>> sessions_with_broken_rules(contract, rows, rows["session"])
    {datetime.date(2024, 1, 3): 'close: greater_than(0)'}
    """
    if not broken_rules(contract, rows):
        return {}
    said = {day: broken_rules(contract, rows.filter(session=day)) for day in sessions}
    return {day: text for day, text in said.items() if text}
