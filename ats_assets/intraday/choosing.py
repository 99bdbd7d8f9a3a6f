"""What the settings name: samplers and sources of ticks."""

from collections.abc import Mapping
from types import MappingProxyType

from ats_assets.deployment import Deployment
from ats_assets.intraday.sampler import Sampler
from ats_assets.plugins import SAMPLERS


def samplers(deployment: Deployment) -> Mapping[str, Sampler]:
    """The samplers by the name of their asset, in the order of the settings; use it as `deployment.of(samplers)`.

    Raises
    ------
    SettingsError
        If one names no sampler, or has a setting that its sampler does not know.
    """
    folder = deployment.settings.plugins.folder
    return MappingProxyType(
        {name: SAMPLERS.named(name, values, folder, "samplers").made() for name, values in deployment.settings.samplers.items()}
    )


def tick_assets(deployment: Deployment) -> tuple[str, ...]:
    """The names of the assets that hold ticks, only what the settings name: trades, quotes, or both, or none."""
    intraday = deployment.settings.intraday
    return tuple(name for name in ("trades", "quotes") if getattr(intraday, name))
