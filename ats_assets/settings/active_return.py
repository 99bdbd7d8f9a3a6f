"""What made the account's return differ from its benchmark's: by groups of symbols, such as sectors."""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ats_assets.settings.group_spans import GroupSpan, require_disjoint
from ats_assets.settings.section import Name, Positive, Section
from ats_assets.settings.symbol_groups import file_of_groups, group_members, without_empty_spans


class ActiveReturnSettings(Section):
    """One table `[active_return]`; without it there is no such asset."""

    groups: dict[Name, tuple[str, ...]] = Field(
        default={}, description="group -> its symbols, such as sectors; a symbol that is in none is in `other`"
    )
    groups_file: Path | None = Field(
        default=None,
        description="a CSV file with the columns symbol and group, perhaps from, until and known_from, or a TOML file of group = [symbols], beside `groups`; relative to the settings file",
    )
    spans: dict[Name, tuple[GroupSpan, ...]] = Field(
        default={}, description="group -> symbols that are in it for a time, as a file with from and until has them"
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
            return {**values, "groups": {**tomllib.loads(file.read_text(encoding="utf-8")), **values.get("groups", {})}}
        told = group_members(file, lambda has: f"{file} must have the columns symbol and group, and has {', '.join(has)}")
        found = {group: of.get("symbols", ()) for group, of in told.items()}
        own = values.get("groups", {})
        spans = {group: of["spans"] for group, of in told.items() if "spans" in of and group not in own}
        return {**values, "groups": {**found, **own}, "spans": {**spans, **values.get("spans", {})}}

    @model_serializer(mode="wrap")
    def _without_spans_that_are_not_there(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty_spans(handler(self))

    @model_validator(mode="after")
    def _each_symbol_has_one_group(self) -> "ActiveReturnSettings":
        if not self.groups:
            raise ValueError('names no groups: write groups = { energy = ["XOM"] }, or groups_file = a CSV file of symbol and group')
        if "other" in self.groups or "cash" in self.groups:
            raise ValueError("groups may not be called other or cash: these are what is in none, and what is not invested")
        if strangers := self.spans.keys() - self.groups.keys():
            raise ValueError(f"spans has the group {min(strangers)}, which groups has not: add it there, with no symbols")
        seen: dict[str, str] = {}
        for group, symbols in self.groups.items():
            for symbol in symbols:
                if seen.setdefault(symbol, group) != group:
                    raise ValueError(f"{symbol} is in the groups {seen[symbol]} and {group}: it can have one")
        for group, spans in self.spans.items():
            if both := [span.symbol for span in spans if span.symbol in seen]:
                raise ValueError(f"{both[0]} is always in the group {seen[both[0]]}, and for a time in {group}: leave one")
        require_disjoint(self.spans)
        return self
