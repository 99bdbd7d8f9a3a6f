"""The execution algorithms of settings, by name."""

from ats_assets.algorithms.algorithm import Algorithm
from ats_assets.errors import SettingsError
from ats_assets.plugins import ALGORITHMS, Chosen
from ats_assets.settings import Settings

AT_OPEN = "at_open"
"""With it an order is sent as it was decided, and not in parts."""


def chosen_algorithm(settings: Settings, name: str) -> Chosen[Algorithm]:
    """The algorithm that settings call `name`: `[algorithms.<name>]`, whose `kind` says which, by default the name.

    Raises
    ------
    SettingsError
        If there is none of that name, or it has a setting that it does not know.

    Examples
    --------
    >>> chosen_algorithm(Settings(), "at_open").kind
    'at_open'
    """
    if name == AT_OPEN and settings.algorithms.get(name):
        raise SettingsError("[algorithms.at_open] can't be set: such an order is sent whole, as `orders.kind` says")
    return ALGORITHMS.named(name, settings.algorithms.get(name, {}), settings.plugins.folder, "algorithms")


def named_algorithms(settings: Settings) -> tuple[str, ...]:
    """The algorithms that orders may be worked by, the default first."""
    return tuple(dict.fromkeys([settings.orders.algorithm, *(rule.algorithm for rule in settings.orders.selection)]))


def check_algorithms(settings: Settings) -> None:
    """Refuse settings that name an algorithm which is not there, or has a setting that it does not know, before any order is decided.

    Raises
    ------
    SettingsError
    """
    for name in named_algorithms(settings):
        chosen_algorithm(settings, name)
