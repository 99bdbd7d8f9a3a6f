"""What all sections are made of: frozen, strict, and the numbers that have bounds."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(ge=1)]
NonNegative = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""What settings call a model, a source and so on: part of the names of files and assets."""


def _with_a_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if not groups:
        raise ValueError(f"{pattern!r} has no group: put the symbol in parentheses, as in ^([A-Z]+)_")
    return pattern


SymbolPattern = Annotated[str, AfterValidator(_with_a_group)]
"""A regular expression whose group is the symbol."""
Bps = Annotated[float, Field(ge=0.0, le=10_000.0)]


class Section(BaseModel):
    """A frozen section of the settings; an unknown key is an error, and so is a number that is none (`nan`, `inf`): comparisons with it say nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Gathering(Section):
    """A section with tables of names that it does not know: they are written beside its settings, and one field has them all.

    Examples
    --------
    >>> class Shops(Gathering):
    ...     closed: bool = False
    ...     own: dict[str, dict[str, int]] = {}
    >>> Shops.model_validate({"closed": True, "baker": {"loaves": 3}}).own
    {'baker': {'loaves': 3}}
    """

    gathered: ClassVar[str] = "own"
    """The field: no part of the path that a setting is written as."""

    @model_validator(mode="before")
    @classmethod
    def _other_tables_are_gathered(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        tables = {name: table for name, table in values.items() if name not in cls.model_fields and isinstance(table, Mapping)}
        rest = {name: value for name, value in values.items() if name not in tables}
        return rest | ({cls.gathered: dict(rest.get(cls.gathered, {})) | tables} if tables else {})
