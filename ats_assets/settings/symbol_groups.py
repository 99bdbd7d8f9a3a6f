"""Groups of symbols, such as sectors, and how much of a book each may have: in settings, or in a file that they name."""

import tomllib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ats_assets.settings.group_spans import TIMES, GroupSpan, spans_by_group, symbols_at
from ats_assets.settings.section import Section, Share


class GroupLimit(Section):
    """How much of the book a group of symbols may have, such as a sector."""

    symbols: tuple[str, ...] = ()
    spans: tuple[GroupSpan, ...] = Field(
        default=(), description="symbols that are in the group for a time, as a file with from and until has them"
    )
    least: Share = 0.0
    most: Share = 1.0

    def members(self, session: date) -> frozenset[str]:
        """The symbols that are in the group at a session."""
        return symbols_at(self.symbols, self.spans, session)

    @model_serializer(mode="wrap")
    def _without_spans_that_are_not_there(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty_spans(handler(self))

    @model_validator(mode="after")
    def _has_symbols(self) -> "GroupLimit":
        if not self.symbols and not self.spans:
            raise ValueError('symbols names none: write symbols = ["XOM"]')
        return self

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
        found = {group: {**told, "most": most} for group, told in group_members(file, lambda _: wrong).items()}
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


def without_empty_spans(dumped: dict[str, Any]) -> dict[str, Any]:
    """Settings as they are stored, which name no spans where there are none: they are the same as before there could be some."""
    return {name: value for name, value in dumped.items() if name != "spans" or value}


def group_members(file: Path, wrong: Callable[[Sequence[str]], str]) -> dict[str, dict[str, Any]]:
    """The groups of a CSV file, sorted by their names, each with its `symbols` in order, or, where rows say from when to when, its `spans`.

    Parameters
    ----------
    wrong
        What to say of the columns of a file that lacks symbol or group.

    Raises
    ------
    ValueError
        If it does, or as `spans_by_group`.
    """
    import polars as pl  # noqa: PLC0415 - every command reads the settings, and few such a file

    table = pl.read_csv(file, infer_schema=False)
    if not {"symbol", "group"} <= set(table.columns):
        raise ValueError(wrong(table.columns))
    if not set(TIMES).isdisjoint(table.columns):
        return {group: {"spans": spans} for group, spans in spans_by_group(table, file).items()}
    rows = table.drop_nulls(["symbol", "group"]).sort("group", "symbol").group_by("group", maintain_order=True).agg("symbol")
    return {group: {"symbols": tuple(symbols)} for group, symbols in rows.iter_rows()}
