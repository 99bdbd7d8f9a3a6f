"""Settings files that build on others: `extends` names one or several, relative to the file that names them.

    # momentum.toml
    extends = ["ats.toml", "risk/careful.toml"]
    without = ["risk.limits"]

    [training]
    horizon_sessions = 20

1. The files that are named are read in their order, each with what it extends itself; of two that say the same thing the later wins.
2. What `without` lists is taken out: a table such as `models.lightgbm`, or one value.
3. The file's own values are laid over the rest. Tables are merged, at any depth; any other value, a list included, replaces what was there.
4. A path that is relative to its settings file (folders of the storage, of features and additions, a file of groups or events) is that of the file that says it.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ats_assets.errors import SettingsError

EXTENDS, WITHOUT = "extends", "without"
FOLDERS = (
    ("storage", "warehouse"),
    ("storage", "models"),
    ("storage", "data"),
    ("storage", "cache"),
    ("features", "folder"),
    ("plugins", "folder"),
)
"""Settings whose relative paths are relative to the file that says them."""
FILES_READ = ("groups_file", "events_file")
"""The same of files whose content becomes part of the settings, in whichever table they are named."""
Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class WrittenSettings:
    """What a settings file says, with all that it extends.

    Attributes
    ----------
    values
        Section -> setting -> value, as TOML has them.
    origins
        The file that each value is from, by its dotted name (`models.lightgbm.seed`).
    """

    values: Values = field(default_factory=dict)
    origins: Mapping[str, Path] = field(default_factory=dict)

    def origin(self, name: str) -> Path | None:
        """The file that a value is from, or the last that says something of a table; None where it is in none.

        Examples
        --------
        >>> written = WrittenSettings(origins={"training.label": Path("a.toml"), "models.trees.seed": Path("b.toml")})
        >>> written.origin("training.label").name, written.origin("models.trees").name, written.origin("training.lab")
        ('a.toml', 'b.toml', None)
        """
        within = [file for other, file in self.origins.items() if other == name or other.startswith(f"{name}.")]
        return within[-1] if within else None


def written_settings(file: Path) -> WrittenSettings:
    """Read a settings file with all that it extends; one that is not there says nothing.

    Raises
    ------
    SettingsError
        If a file is no TOML, extends a file that is not there or, by way of others, itself; or takes out what nothing says.
    """
    return _read(file, ()) if file.is_file() else WrittenSettings()


def _read(file: Path, before: Sequence[Path]) -> WrittenSettings:
    file = file.resolve()
    if file in before:
        circle = " extends ".join(map(str, [*before[before.index(file) :], file]))
        raise SettingsError(f"settings files extend each other in a circle: {circle}. Take one of the `{EXTENDS}` out")
    own = _toml(file)
    bases, gone = (_names(own, name, file) for name in (EXTENDS, WITHOUT))
    values: Values = {}
    origins: dict[str, Path] = {}
    for base in bases:
        path = (file.parent / Path(base).expanduser()).resolve()
        if not path.is_file():
            raise SettingsError(f"{file}: {EXTENDS} names {path}, which is not a file: correct it (paths are relative to this file)")
        found = _read(path, [*before, file])
        _lay(found.values, values, origins, found.origins)
    for name in gone:
        _take_out(name, values, origins, file)
    own = _with_folders(own, file.parent) if before else own
    for table, name in naming_files(own):
        table[name] = str((file.parent / Path(table[name]).expanduser()).resolve())
    _lay(own, values, origins, dict.fromkeys(leaves_of(own), file))
    return WrittenSettings(values=values, origins=origins)


def _toml(file: Path) -> Values:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings in {file} can't be read: {error}") from None
    except OSError as error:
        raise SettingsError(f"the settings in {file} can't be read: {error.strerror}") from None


def _names(own: Values, name: str, file: Path) -> list[str]:
    """The strings under a key of the file itself, which are no settings; they are taken out of it."""
    found = own.pop(name, [])
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in cast("list[Any]", listed)):
        raise SettingsError(
            f'{file}: {name} must be a text or a list of texts, such as {name} = ["{"base.toml" if name == EXTENDS else "models.lightgbm"}"]'
        )
    return cast("list[str]", listed)


def _lay(over: Values, under: Values, origins: dict[str, Path], new: Mapping[str, Path], before: str = "") -> None:
    """Lay values over others, in place."""
    for name, value in over.items():
        place = f"{before}{name}"
        there = under.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            if value:
                origins.pop(place, None)  # of an empty table
            _lay(cast("Values", value), cast("Values", there), origins, new, f"{place}.")
            continue
        _forget(place, origins)
        under[name] = _copied(value)
        origins |= {leaf: file for leaf, file in new.items() if leaf == place or leaf.startswith(f"{place}.")}


def _take_out(name: str, values: Values, origins: dict[str, Path], file: Path) -> None:
    *sections, last = name.split(".")
    table: Any = values
    for section in sections:
        table = table.get(section) if isinstance(table, dict) else None
    if not isinstance(table, dict) or last not in table:
        raise SettingsError(
            f"{file}: {WITHOUT} names {name}, which none of the files says that it extends: take it out of the list, or correct it"
        )
    del table[last]
    _forget(name, origins)


def _forget(name: str, origins: dict[str, Path]) -> None:
    for other in [other for other in origins if other == name or other.startswith(f"{name}.")]:
        del origins[other]


def naming_files(values: Values) -> Iterator[tuple[Values, str]]:
    """The tables, at any depth, that name a file to be read into the settings, each with the setting that does."""
    yield from ((values, name) for name in FILES_READ if isinstance(values.get(name), str))
    for value in values.values():
        if isinstance(value, dict):
            yield from naming_files(cast("Values", value))


def _with_folders(values: Values, folder: Path) -> Values:
    """The values of a file that is extended, with its relative folders as those of that file."""
    for section, name in FOLDERS:
        table = values.get(section)
        if isinstance(table, dict) and isinstance(path := cast("Values", table).get(name), str) and "://" not in path:
            table[name] = str((folder / Path(path).expanduser()).resolve())
    return values


def leaves_of(values: Values, before: str = "") -> Iterator[str]:
    """The dotted names of values that are no tables, and of empty tables."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves_of(cast("Values", value), f"{before}{name}.")
        else:
            yield f"{before}{name}"


def _copied(value: Any) -> Any:
    return {name: _copied(item) for name, item in cast("Values", value).items()} if isinstance(value, dict) else value
