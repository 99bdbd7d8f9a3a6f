"""Groups of symbols, such as sectors, and how much of a book each may have: in settings, or in a file that they name."""

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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
    file = file_of_groups(values)
    if file is None:
        return values
    if file.suffix == ".toml":
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    else:
        most, wrong = (
            values.get("max_group"),
            f"{file} must have the columns symbol and group, and max_group must say the most that each may have",
        )
        if most is None:
            raise ValueError(wrong)
        found = {group: {"symbols": symbols, "most": most} for group, symbols in symbols_by_group(file, lambda _: wrong).items()}
    return {**values, "groups": {**found, **values.get("groups", {})}}


def file_of_groups(values: Any) -> Path | None:
    """The file that `groups_file` of settings as they are written names; None where it names none.

    Raises
    ------
    ValueError
        If it is not there.
    """
    if not isinstance(values, dict) or values.get("groups_file") is None:
        return None
    file = Path(str(values["groups_file"]))
    if not file.is_file():
        raise ValueError(f"groups_file names {file}, which is not a file")
    return file


def symbols_by_group(file: Path, wrong: Callable[[Sequence[str]], str]) -> dict[str, tuple[str, ...]]:
    """The groups of a CSV file, sorted by their names, with their symbols in order.

    Parameters
    ----------
    wrong
        What to say of the columns of a file that lacks symbol or group.

    Raises
    ------
    ValueError
        If it does.
    """
    import polars as pl  # noqa: PLC0415 - every command reads the settings, and few such a file

    table = pl.read_csv(file, infer_schema=False)
    if not {"symbol", "group"} <= set(table.columns):
        raise ValueError(wrong(table.columns))
    rows = table.drop_nulls(["symbol", "group"]).sort("group", "symbol").group_by("group", maintain_order=True).agg("symbol")
    return {group: tuple(symbols) for group, symbols in rows.iter_rows()}
