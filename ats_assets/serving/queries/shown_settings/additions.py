"""The own settings of additions that settings name: models, strategies, rules, stores and so on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ats_assets.errors import AtsError
from ats_assets.plugins import (
    ALGORITHMS,
    BROKERS,
    LEARNERS,
    OPTION_STRATEGIES,
    RISK_RULES,
    SAMPLERS,
    SOURCES,
    STORES,
    STRATEGIES,
    STREAMS,
    Kind,
)

TABLES: dict[str, Kind[Any]] = {
    "source.own": SOURCES,
    "samplers": SAMPLERS,
    "models": LEARNERS,
    "event_models": LEARNERS,
    "strategies": STRATEGIES,
    "risk": RISK_RULES,
    "option_strategies": OPTION_STRATEGIES,
    "exports": STORES,
    "algorithms": ALGORITHMS,
    "brokers": BROKERS,
    "live.rules": RISK_RULES,
    "live.streams": STREAMS,
}
"""Table of tables -> what its entries are."""


def addition_defaults(place: str, name: str, own: Mapping[str, Any], folder: Path) -> tuple[type[BaseModel] | None, dict[str, Any]]:
    """The class of an addition's own settings, and their defaults; no class where it is not to be had, which is for `ats doctor` to say.

    Parameters
    ----------
    place
        One of `TABLES`.
    name, own
        Of its entry, and what is written in it.
    folder
        Of the user's own additions.
    """
    try:
        kind = TABLES[place].find(str(own.get("kind", name)), folder).settings
        return kind, kind().model_dump()
    except (AtsError, ValidationError):
        return None, {}
