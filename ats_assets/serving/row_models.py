"""The rows of stored frames in the OpenAPI document: what a schema of Polars says, as a model of pydantic and an example."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from pydantic import BaseModel, Field, create_model

EXAMPLES: dict[str, Any] = {
    "symbol": "SYN0007",
    "instrument": "synthetic:SYN0007",
    "session": "2023-12-29",
    "decision_session": "2023-12-28",
    "model_session": "2023-12-01",
    "client_order_id": "main-20231228-SYN0007-open",
    "side": "buy",
    "status": "filled",
    "reason": None,
    "reasons": [],
    "strategies": ["model_scores"],
}
"""Of columns that are in many frames."""


def row_model(name: str, schema: Mapping[str, Any], told: Mapping[str, str] | None = None) -> type[BaseModel]:
    """The model of a row.

    Parameters
    ----------
    name
        Of the model in the document.
    schema
        Column -> its type.
    told
        Column -> what it is.
    """
    fields: dict[str, Any] = {
        column: (_type(kind) | None, Field(description=(told or {}).get(column, column.replace("_", " "))))
        for column, kind in schema.items()
    }
    return create_model(name, __doc__=f"A row of {name}.", **fields)


def page_model(name: str, row: type[BaseModel]) -> type[BaseModel]:
    """The model of a page of rows."""
    fields: dict[str, Any] = {
        "data": (list[row], Field(description="the rows")),
        "next": (str | None, Field(description="cursor of the next page; null: this is the last")),
        "session": (date | None, Field(description="of all rows, where they are of one")),
        "data_version": (str, Field(description="of what was read")),
    }
    return create_model(name, __doc__="A page of a list.", **fields)


def row_example(schema: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """A row as an example: of each column what is usual, or null."""
    return {column: values.get(column, EXAMPLES.get(column, _usual(kind))) for column, kind in schema.items()}


def page_example(rows: Sequence[Any], **values: Any) -> dict[str, Any]:
    """A page with these rows."""
    return {"data": list(rows), "next": None, "session": "2023-12-29", "data_version": "5f0c9a…"} | values


def _type(kind: Any) -> Any:
    kind = kind() if isinstance(kind, type) else kind
    if isinstance(kind, pl.List):
        return list[_type(kind.inner) | None]
    if kind.is_float():
        return float
    if kind.is_integer():
        return int
    return {pl.Date: date, pl.Boolean: bool, pl.Datetime: datetime}.get(type(kind), str)


def _usual(kind: Any) -> Any:
    found = _type(kind)
    return {float: 0.25, int: 1, bool: False, date: "2023-12-29", datetime: "2023-12-29T21:00:00Z", str: "…"}.get(found, [])
