"""Alpha158: qlib's 158 factors of daily bars, read from `alpha158.toml`."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType


def _read() -> Mapping[str, str]:
    text = files("ats_assets.features").joinpath("alpha158.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


ALPHA158: Mapping[str, str] = _read()
"""Factor name to expression, in qlib's order."""
