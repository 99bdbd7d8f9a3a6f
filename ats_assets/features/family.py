"""What a feature family is: named factors, each an expression, that are made and stored together as one asset."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from ats_assets.errors import FeatureError
from ats_assets.expressions import lookback, lookbacks

KEYS: Final = ("symbol", "session")
"""The columns that every family's frame begins with."""
ROW_KEYS: Final = (*KEYS, "known_at")
"""Those of a family over bars inside a session: a row is known when its bar is."""

_FACTOR_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_FAMILY_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A factor as the registry shows it; `lookback_sessions` are the sessions before the current one that it needs."""

    name: str
    family: str
    expression: str
    lookback_sessions: int
    description: str


@dataclass(frozen=True, kw_only=True)
class ColumnFamily:
    """Features that another stage makes of more than expressions, such as regimes: for a model a family like any other.

    Parameters
    ----------
    name
        Also the asset's.
    descriptions
        What each factor says, in the order of the columns.
    origin
        What named it, for messages.
    frame
        The sampler over whose bars it has its rows; None of one with a row a session.
    """

    name: str
    descriptions: Mapping[str, str]
    origin: str
    frame: str | None = None

    @property
    def factors(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(self.descriptions)


@dataclass(frozen=True, kw_only=True)
class FeatureFamily:
    """Factors of the bars up to a session.

    Parameters
    ----------
    name
        Also the asset's. Lower-case letters, digits and underscores.
    description
        What the factors have in common; may be empty.
    expressions
        Factor name to expression, in the order of the columns.
    descriptions
        Factor name to what it says; factors may lack one. In a name a `#` stands for a whole number, in its description for the same one.
    origin
        Where the family was read, for messages.
    frame
        The asset whose bars inside a session the expressions run over; None for the daily bars.

    Raises
    ------
    FeatureError
        If a name is not allowed, names differ in case only, or a description describes nothing. Expressions are looked at when they are needed.
    """

    name: str
    description: str = ""
    expressions: Mapping[str, str]
    descriptions: Mapping[str, str] = field(default_factory=dict)
    origin: str = "built in"
    frame: str | None = None

    def __post_init__(self) -> None:
        if not _FAMILY_NAME.fullmatch(self.name):
            raise FeatureError(
                f"{self.origin}: {self.name!r} can't be a family's name: use lower-case letters, digits and underscores, a letter first"
            )
        if not self.expressions:
            raise FeatureError(f"{self.origin}: the family {self.name} has no factors; give it one at least")
        self._check_names()
        idle = [key for key in self.descriptions if not any(_described(key, name) for name in self.expressions)]
        if idle:
            raise FeatureError(f"{self.origin}: a description is given for {idle[0]!r}, but no factor has that name")

    def _check_names(self) -> None:
        folded: dict[str, str] = {}
        for name in self.expressions:
            if not _FACTOR_NAME.fullmatch(name):
                raise FeatureError(f"{self.origin}: {name!r} can't be a factor's name: use letters, digits and underscores, a letter first")
            if name.lower() in (ROW_KEYS if self.frame else KEYS):
                raise FeatureError(f"{self.origin}: a factor can't be named {name}: that is a key of the table; choose another name")
            other = folded.setdefault(name.lower(), name)
            if other != name:
                raise FeatureError(
                    f"{self.origin}: the factors {other} and {name} differ in case only, which some readers of Parquet can't tell apart; "
                    "rename one"
                )

    @property
    def factors(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(self.expressions)

    @cached_property
    def lookback(self) -> int:
        """Sessions before the current one that the factors need in all."""
        return lookback(self.expressions)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The registry's entries, in order."""
        back = lookbacks(self.expressions)
        return tuple(
            Feature(
                name=name,
                family=self.name,
                expression=text,
                lookback_sessions=back[name],
                description=self.description_of(name),
            )
            for name, text in self.expressions.items()
        )

    def description_of(self, factor: str) -> str:
        """What is said of a factor, by its own name or else by a name with a `#`; empty where nothing is."""
        if factor in self.descriptions:
            return self.descriptions[factor]
        for key, text in self.descriptions.items():
            found = _described(key, factor)
            if found:
                return text.replace("#", found[1])
        return ""


def _described(key: str, factor: str) -> re.Match[str] | None:
    before, number, after = key.partition("#")
    return re.fullmatch(f"{re.escape(before)}{'([0-9]+)' if number else '()'}{re.escape(after)}", factor)
