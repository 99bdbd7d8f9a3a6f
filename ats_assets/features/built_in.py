"""The families that come with the system, each read when it is first asked for: most commands need one of them, or none."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Final

from ats_assets.features.families.alpha360 import alpha360
from ats_assets.features.family import FeatureFamily
from ats_assets.features.family_file import read_family


def _read(name: str) -> FeatureFamily:
    text = files("ats_assets.features.families").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return read_family(text, name, f"ats_assets/features/families/{name}.toml")


_MADE: Final[Mapping[str, Callable[[], FeatureFamily]]] = {
    "alpha158": cache(partial(_read, "alpha158")),
    "alpha360": cache(alpha360),
    "technical": cache(partial(_read, "technical")),
}


class BuiltInFamilies(Mapping[str, FeatureFamily]):
    """Name -> family; to ask for the names reads none of them."""

    def __getitem__(self, name: str) -> FeatureFamily:
        return _MADE[name]()

    def __contains__(self, name: object) -> bool:
        return name in _MADE

    def __iter__(self) -> Iterator[str]:
        return iter(_MADE)

    def __len__(self) -> int:
        return len(_MADE)


class BuiltInFactors(Mapping[str, str]):
    """Name of a factor -> its expression, of one family, in its order."""

    def __init__(self, family: str) -> None:
        self._family = family

    def __getitem__(self, name: str) -> str:
        return _MADE[self._family]().expressions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_MADE[self._family]().expressions)

    def __len__(self) -> int:
        return len(_MADE[self._family]().expressions)


FAMILIES: Final = BuiltInFamilies()
"""The built-in families by name."""
ALPHA158: Final = BuiltInFactors("alpha158")
"""Alpha158: factor name to expression, in qlib's order."""
ALPHA360: Final = BuiltInFactors("alpha360")
"""Alpha360: factor name to expression, in qlib's order."""
TECHNICAL: Final = BuiltInFactors("technical")
"""Technical indicators and candlestick patterns: factor name to expression."""
