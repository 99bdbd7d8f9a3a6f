"""Settings written as TOML: what Python's `tomllib`, which only reads, reads again as it was."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, cast

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(values: Mapping[str, Any]) -> str:
    """Tables as sections, each with its values first.

    Examples
    --------
    >>> print(toml_text({"extends": "base.toml", "models": {"trees": {"seed": 7}}, "universe": {"focus": ["A"]}}), end="")
    extends = "base.toml"
    <BLANKLINE>
    [models.trees]
    seed = 7
    <BLANKLINE>
    [universe]
    focus = ["A"]
    """
    return "\n".join(_lines(values, "")).lstrip("\n") + "\n"


def toml_value(value: Any) -> str:
    """A value inside a line.

    Examples
    --------
    >>> toml_value([1, 2.5, "a", True, date(2024, 1, 2), {"b": 1e300}])
    '[1, 2.5, "a", true, 2024-01-02, {b = 1e+300}]'
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case date() | datetime() | time():
            return value.isoformat()
        case Mapping():
            return (
                "{" + ", ".join(f"{toml_key(name)} = {toml_value(item)}" for name, item in cast("Mapping[str, Any]", value).items()) + "}"
            )
        case _:
            return f"[{', '.join(map(toml_value, value))}]"


def _lines(values: Mapping[str, Any], place: str) -> Iterator[str]:
    own = {name: value for name, value in values.items() if not isinstance(value, Mapping)}
    if place and (own or not values):
        yield f"\n[{place}]"
    for name, value in own.items():
        yield f"{toml_key(name)} = {toml_value(value)}"
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _lines(cast("Mapping[str, Any]", value), f"{place}.{toml_key(name)}" if place else toml_key(name))


def toml_key(name: str) -> str:
    """A name before `=`, or in the head of a table: in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else toml_value(name)
