"""Settings as TOML that a deployment can start from, or as JSON."""

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from ats_assets.serving.queries.shown_settings.values import DEFAULT, ShownSetting
from ats_assets.settings.toml_text import toml_key, toml_value

_WIDTH = 118


def as_toml(shown: Sequence[ShownSetting]) -> str:
    """Each setting with what it is, as a settings file: defaults are comments, so that it says what was said and nothing else.

    Examples
    --------
    >>> one = ShownSetting(name="training.refit", value="weekly", default="monthly", origin="/a/ats.toml", about="when models are fitted")
    >>> other = ShownSetting(name="training.label", value=None, default=None, origin="default", about="")
    >>> print(as_toml([one, other]), end="")
    [training]
    # when models are fitted
    refit = "weekly"   # /a/ats.toml
    # label = (none)
    """
    tables: dict[str, list[ShownSetting]] = {}
    for one in shown:
        tables.setdefault(_table(one), []).append(one)
    blocks: list[str] = []
    for name, settings in tables.items():
        is_said = any(one.origin != DEFAULT for one in settings)
        head = f"{'' if is_said else '# '}[{name}]\n" if name else ""
        blocks.append(head + "\n".join(line for one in settings for line in _lines(one)))
    return "\n\n".join(filter(None, blocks)) + "\n"


def _table(one: ShownSetting) -> str:
    """The table that a setting stands in; an empty one is written as itself."""
    parts = one.name.split(".")
    whole = parts if one.value == {} or (one.value is None and len(parts) == 1) else parts[:-1]
    return ".".join(toml_key(part) for part in whole)


def _lines(one: ShownSetting) -> list[str]:
    about = [f"# {line}" for line in textwrap.wrap(one.about, _WIDTH)]
    if one.value == {} or (one.value is None and "." not in one.name):
        return about
    key = toml_key(one.name.rpartition(".")[2])
    if one.value is None:
        return [*about, f"# {key} = (none)"]
    line = f"{key} = {toml_value(one.value)}"
    return [*about, f"# {line}" if one.origin == DEFAULT else f"{line}   # {one.origin}"]


def as_json(shown: Sequence[ShownSetting]) -> str:
    """Dotted name -> value, default, origin (`default`, `file` or `environment`, and which) and what it is."""
    values: dict[str, dict[str, Any]] = {
        one.name: {
            "value": one.value,
            "default": one.default,
            "from": one.comes_from,
            "where": None if one.origin == DEFAULT else one.origin,
            "about": one.about,
        }
        for one in shown
    }
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def value_text(value: Any) -> str:
    """A value in a line of text.

    Examples
    --------
    >>> value_text(None), value_text("weekly"), value_text([1, 2])
    ('(none)', '"weekly"', '[1, 2]')
    """
    return "(none)" if value is None else json.dumps(value, ensure_ascii=False, default=str)
