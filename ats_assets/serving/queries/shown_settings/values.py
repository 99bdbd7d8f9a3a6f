"""Every setting by its dotted name: its value, its default, where it comes from, what it is."""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ats_assets.errors import SettingsError
from ats_assets.serving.queries.shown_settings.additions import TABLES, addition_defaults
from ats_assets.serving.queries.shown_settings.hiding import without_secrets
from ats_assets.settings import Settings

DEFAULT = "default"
_ALIASES = {"source.files.path": "source.path"}
"""Setting -> what it may be written as."""


@dataclass(frozen=True, kw_only=True)
class ShownSetting:
    """One value.

    Attributes
    ----------
    name
        Dotted, such as `training.refit`.
    value, default
        Plain: numbers, texts, dates, lists, None; secrets hidden. `default` is None too where there is none.
    origin
        `default`, the path of a settings file, or the variable of the environment.
    about
        What it is, in the words of its class; may be empty.
    """

    name: str
    value: Any
    default: Any
    origin: str
    about: str

    @property
    def comes_from(self) -> Literal["default", "file", "environment"]:
        """Which kind of origin."""
        if self.origin == DEFAULT:
            return DEFAULT
        return "environment" if self.origin.upper().startswith("ATS_") and "/" not in self.origin else "file"


def listed_settings(settings: Settings, origins: Mapping[str, str]) -> list[ShownSetting]:
    """All settings in use, section after section; of models, strategies and so on their own settings, too.

    Parameters
    ----------
    origins
        Of what is no default, by its dotted name (`setting_origins`).
    """
    leaves = _leaves(Settings, "", plain_values(settings.model_dump()), plain_values(Settings().model_dump()), settings.plugins.folder)
    found: list[ShownSetting] = []
    written = set(origins)
    for name, value, default, about in leaves:
        own = name.rpartition(".")[2]
        tables = [table for table in _tables_of(name) if table in written]
        written -= set(tables)
        found += [ShownSetting(name=table, value={}, default=None, origin=origins[table], about="") for table in tables]
        origin = origins.get(name) or origins.get(_ALIASES.get(name, name), DEFAULT)
        found.append(
            ShownSetting(name=name, value=without_secrets(value, own), default=without_secrets(default, own), origin=origin, about=about)
        )
    return found


def _tables_of(name: str) -> list[str]:
    """The tables that a setting is in: one that is written without any value is there by its head alone."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def shown_defaults() -> list[ShownSetting]:
    """All settings as they are where nothing is written."""
    return listed_settings(Settings(), {})


def within(shown: Sequence[ShownSetting], section: str | None) -> list[ShownSetting]:
    """Those of a section, a table in it or a value, by its dotted name.

    Raises
    ------
    SettingsError
        If there is none of that name.
    """
    if section is None:
        return list(shown)
    found = [one for one in shown if one.name == section or one.name.startswith(f"{section}.")]
    if not found:
        sections = dict.fromkeys(one.name.partition(".")[0] for one in shown)
        raise SettingsError(
            f"there is no setting and no section {section!r}: choose one of {', '.join(sections)}, or a name in one such as training.refit"
        )
    return found


def plain_values(value: Any) -> Any:
    """The same of what JSON and TOML both have, and dates: paths as texts, tuples as lists.

    Examples
    --------
    >>> plain_values({"folder": Path("a/b"), "days": (date(2024, 1, 2),), "n": 3})
    {'folder': 'a/b', 'days': [datetime.date(2024, 1, 2)], 'n': 3}
    """
    if isinstance(value, Mapping):
        return {str(name): plain_values(item) for name, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_values(item) for item in cast("Sequence[Any]", value)]
    return value if value is None or isinstance(value, (bool, int, float, str, date)) else str(value)


def flat_values(values: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Dotted name -> value, of nested tables; an empty table is a value.

    Examples
    --------
    >>> flat_values({"a": {"b": 1, "c": {}}, "d": 2})
    [('a.b', 1), ('a.c', {}), ('d', 2)]
    """
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found += flat_values(cast("Mapping[str, Any]", value), f"{before}{name}.")
        else:
            found.append((f"{before}{name}", value))
    return found


OWN = "own"
"""The field of a section that holds what a file has beside the section's fields: own labels, vendors, settings of a notifier."""
_Leaf = tuple[str, Any, Any, str]
"""Name, value, default, what it is."""


def _leaves(model: type[BaseModel] | None, place: str, values: Mapping[str, Any], defaults: Any, plugins: Path) -> Iterator[_Leaf]:
    fields = model.model_fields if model else {}
    known = cast("Mapping[str, Any]", defaults) if isinstance(defaults, Mapping) else {}
    for name, value in values.items():
        field = fields.get(name)
        inner = _section_class(field.annotation) if field else None
        default, whole = known.get(name), f"{place}{name}"
        if name == OWN and isinstance(value, Mapping) and whole not in TABLES:
            yield from _leaves(None, place, cast("Mapping[str, Any]", value), default, plugins)
            continue
        if not isinstance(value, Mapping) or not value:
            yield whole, value, default, (field.description or "") if field else ""
            continue
        table = cast("Mapping[str, Any]", value)
        if whole in TABLES:
            yield from _additions(whole, table, plugins)
        else:
            of_table = plain_values(_own_defaults(inner)) if inner and default is None else default
            yield from _leaves(inner, f"{whole}.", table, of_table, plugins)


def _additions(place: str, tables: Mapping[str, Any], plugins: Path) -> Iterator[_Leaf]:
    """The own settings of models, strategies and so on: those that are written, over those of their class."""
    for name, own in tables.items():
        kind, defaults = addition_defaults(place, name, own, plugins)
        whole = f"{place.removesuffix('.own')}.{name}"
        if not own and not defaults:
            yield whole, {}, None, ""
        yield from _leaves(kind, f"{whole}.", plain_values(defaults) | own, plain_values(defaults), plugins)


def _own_defaults(section: type[BaseModel]) -> dict[str, Any]:
    """What a section that may be left out has where nothing is written in it; of one that can't be empty, field by field."""
    try:
        return section().model_dump()
    except ValidationError:
        fields = section.model_fields.items()
        return {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}


def _section_class(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, also where it may be left out."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Annotated, Union, types.UnionType}:
        return next((found for one in get_args(annotation) if (found := _section_class(one))), None)
    return None
