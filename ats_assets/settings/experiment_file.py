"""An experiment: a file that names what is compared, each a variant of the same settings.

    [experiment]
    base = "ats.toml"                                  # default: the settings file in use
    first = 2021-01-04                                 # sessions; default: those of the source

    [sweep]                                            # each combination is a variant
    "training.horizon_sessions" = [5, 10]
    extends = ["models/trees.toml", "models/forest.toml"]

    [[variant]]                                        # further ones, by name
    name = "careful"
    extends = "risk/careful.toml"
    set = { "portfolio.max_turnover" = 0.2 }

Paths are relative to the file. What a variant is, is a settings file that extends the base: there are no settings but those.
"""

import itertools
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from ats_assets.errors import SettingsError
from ats_assets.settings.inheriting import EXTENDS
from ats_assets.settings.section import Section
from ats_assets.settings.wrong_settings import wrong_settings

FIXED = ("storage", "graph", "mlflow", "automation", "alerts", "orders", "brokers", "alpaca")
"""Sections that no variant changes: where it is stored, and what trades."""
MOST_VARIANTS = 1_000
LONGEST_NAME = 200
"""Letters of a variant's folder; most disks take 255."""
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.=,+-]{0,119}$"
_UNFIT = re.compile(r"[^A-Za-z0-9_.+-]+")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One of what is compared.

    Attributes
    ----------
    name
        Of its folder, and in tables.
    extends
        Files that are laid over the base, in this order.
    changes
        Dotted name -> value, laid over these.
    """

    name: str
    extends: tuple[Path, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def differs(self) -> dict[str, Any]:
        """What sets it apart, for people: its changes, and the names of its files."""
        files = {EXTENDS: ", ".join(path.stem for path in self.extends)} if self.extends else {}
        return {**files, **self.changes}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """An experiment as it is written: `base` is None for the settings file in use."""

    name: str
    file: Path
    base: Path | None
    first: date | None
    last: date | None
    variants: tuple[Variant, ...]


class _Head(Section):
    name: Annotated[str, Field(pattern=_NAME)] | None = None
    base: str | None = None
    first: date | None = None
    last: date | None = None


class _Listed(Section):
    name: Annotated[str, Field(pattern=_NAME)]
    extends: str | list[str] = Field(default_factory=list)
    set: dict[str, Any] = Field(default_factory=dict)


class _Written(Section):
    experiment: _Head = _Head()
    sweep: dict[str, list[Any]] = Field(default_factory=dict)
    variant: list[_Listed] = Field(default_factory=list)


def read_experiment(file: Path) -> Experiment:
    """Read an experiment's file.

    Raises
    ------
    SettingsError
        If it is missing or no such file, two variants have one name, or one changes what no variant may.
    """
    file = file.expanduser().absolute()
    try:
        written = _Written.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"the experiment {file} can't be read: {error.strerror}") from None
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, where))}: {what}" for where, what in wrong_settings(error, _Written))
        raise SettingsError(f"the experiment {file} is wrong: {told}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the experiment {file} can't be read: {error}") from None
    variants = [*_swept(written.sweep, file), *(_listed(one, file) for one in written.variant)]
    _check(variants, file)
    head = written.experiment
    name = head.name or _UNFIT.sub("-", file.stem)
    base = None if head.base is None else _path(head.base, file)
    return Experiment(name=name, file=file, base=base, first=head.first, last=head.last, variants=tuple(variants))


def _swept(sweep: Mapping[str, Sequence[Any]], file: Path) -> Iterator[Variant]:
    """Each combination of the values, the last setting changing fastest."""
    if empty := [name for name, values in sweep.items() if not values]:
        raise SettingsError(f"{file}: [sweep] {empty[0]} is an empty list, so there is nothing to compare: give it values, or take it out")
    short = {name: name.rsplit(".", 1)[-1] for name in sweep}
    often = Counter(short.values())
    for values in itertools.product(*sweep.values()) if sweep else ():
        chosen = dict(zip(sweep, values, strict=True))
        told = [_told(name if often[short[name]] > 1 else short[name], value) for name, value in chosen.items()]
        extends = _paths(chosen.pop(EXTENDS, []), file)
        yield Variant(name=",".join(told), extends=extends, changes=chosen)


def _told(name: str, value: Any) -> str:
    if name == EXTENDS:
        files = [value] if isinstance(value, str) else value
        return "+".join(_UNFIT.sub("-", Path(str(one)).stem) for one in files) or "base"
    parts = value if isinstance(value, list) else [value]
    return f"{name}={_UNFIT.sub('-', '+'.join(str(one).lower() if isinstance(one, bool) else str(one) for one in parts))}"


def _listed(one: _Listed, file: Path) -> Variant:
    return Variant(name=one.name, extends=_paths(one.extends, file), changes=dict(_dotted(one.set)))


def _dotted(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names of what is set, whether it was written with a point or as a table."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _dotted(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _paths(value: Any, file: Path) -> tuple[Path, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise SettingsError(f"{file}: {EXTENDS} of a variant must be a file or a list of files, not {value!r}")
    return tuple(_path(one, file) for one in names)


def _path(name: str, file: Path) -> Path:
    path = (file.parent / Path(name).expanduser()).resolve()
    if not path.is_file():
        raise SettingsError(f"{file} names {path}, which is not a file: correct it (paths are relative to the experiment's file)")
    return path


def _check(variants: Sequence[Variant], file: Path) -> None:
    if not variants:
        raise SettingsError(f"{file} has no variants: write a table [sweep], or [[variant]] with a name")
    if len(variants) > MOST_VARIANTS:
        raise SettingsError(f"{file} has {len(variants):,} variants, more than {MOST_VARIANTS:,}: sweep over fewer values")
    twice = [name for name, number in Counter(one.name.casefold() for one in variants).items() if number > 1]
    if twice:  # a folder each, and some disks take capital and small letters for the same
        named = next(one.name for one in variants if one.name.casefold() == twice[0])
        raise SettingsError(f"{file}: several variants are called {named}: give one of them another name, by [[variant]]")
    if long := [one.name for one in variants if len(one.name) > LONGEST_NAME]:
        raise SettingsError(
            f"{file}: the values of a variant make a name of {len(long[0])} letters, too long for a folder ({long[0][:60]}…): write it as [[variant]], with a name"
        )
    for one in variants:
        if fixed := [name for name in one.changes if name.split(".")[0] in FIXED]:
            raise SettingsError(
                f"{file}: the variant {one.name} changes {fixed[0]}, which belongs to the base: sections {', '.join(FIXED)} are the same for all"
            )
        if plain := [name for name in one.changes if "." not in name]:
            raise SettingsError(
                f"{file}: {plain[0]} of the variant {one.name} is no setting: write section.name, such as training.horizon_sessions"
            )
