"""What made the account's return differ from its benchmark's: by groups of symbols, such as sectors."""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import Name, Positive, Section
from ats_assets.settings.symbol_groups import file_of_groups, symbols_by_group


class ActiveReturnSettings(Section):
    """One table `[active_return]`; without it there is no such asset."""

    groups: dict[Name, tuple[str, ...]] = Field(
        default={}, description="group -> its symbols, such as sectors; a symbol that is in none is in `other`"
    )
    groups_file: Path | None = Field(
        default=None,
        description="a CSV file with the columns symbol and group, or a TOML file of group = [symbols], beside `groups`; relative to the settings file",
    )
    benchmark: Literal["equal", "dollar_volume"] = Field(
        default="equal", description="weights of the universe that is compared with: each symbol alike, or by its usual dollar volume"
    )
    volume_sessions: Positive = Field(default=20, description="of whose dollar volume the median is taken, for benchmark = dollar_volume")
    period: Literal["month", "quarter", "year"] = Field(default="quarter", description="of a row, beside one for the whole time")

    @model_validator(mode="before")
    @classmethod
    def _groups_of_file(cls, values: Any) -> Any:
        """The content of the file is part of the settings, so that a change of it is a change of what is made."""
        file = file_of_groups(values)
        if file is None:
            return values
        if file.suffix == ".toml":
            found = tomllib.loads(file.read_text(encoding="utf-8"))
        else:
            found = symbols_by_group(file, lambda has: f"{file} must have the columns symbol and group, and has {', '.join(has)}")
        return {**values, "groups": {**found, **values.get("groups", {})}}

    @model_validator(mode="after")
    def _each_symbol_has_one_group(self) -> "ActiveReturnSettings":
        if not self.groups:
            raise ValueError('names no groups: write groups = { energy = ["XOM"] }, or groups_file = a CSV file of symbol and group')
        if "other" in self.groups or "cash" in self.groups:
            raise ValueError("groups may not be called other or cash: these are what is in none, and what is not invested")
        seen: dict[str, str] = {}
        for group, symbols in self.groups.items():
            for symbol in symbols:
                if seen.setdefault(symbol, group) != group:
                    raise ValueError(f"{symbol} is in the groups {seen[symbol]} and {group}: it can have one")
        return self
