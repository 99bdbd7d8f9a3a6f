"""Groups of symbols, such as sectors, and how much of a book each may have: in settings, or in a file that they name."""

import tomllib
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field, model_validator

from ats_assets.settings.section import Section, Share


class GroupLimit(Section):
    """How much of the book a group of symbols may have, such as a sector."""

    symbols: tuple[str, ...] = Field(min_length=1)
    least: Share = 0.0
    most: Share = 1.0

    @model_validator(mode="after")
    def _leaves_a_range(self) -> "GroupLimit":
        if self.least > self.most:
            raise ValueError(f"least ({self.least:g}) is above most ({self.most:g})")
        return self


def groups_of_file(values: Any) -> Any:
    """Settings as they are written, with the groups of the file that `groups_file` names beside their own: its content is part of the settings, so that a change of it is a change of what is made.

    Raises
    ------
    ValueError
        If the file is not there, or not of its form.
    """
    if not isinstance(values, dict) or values.get("groups_file") is None:
        return values
    file, most = Path(str(values["groups_file"])), values.get("max_group")
    if not file.is_file():
        raise ValueError(f"groups_file names {file}, which is not a file")
    if file.suffix == ".toml":
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    else:
        table = pl.read_csv(file, infer_schema=False)
        if not {"symbol", "group"} <= set(table.columns) or most is None:
            raise ValueError(f"{file} must have the columns symbol and group, and max_group must say the most that each may have")
        rows = table.drop_nulls(["symbol", "group"]).sort("group", "symbol").group_by("group", maintain_order=True).agg("symbol")
        found = {group: {"symbols": tuple(symbols), "most": most} for group, symbols in rows.iter_rows()}
    return {**values, "groups": {**found, **values.get("groups", {})}}
