"""The regimes of a deployment: what `[regimes.<name>]` names, and the names of their assets."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ats_assets.deployment import Deployment
from ats_assets.settings import RegimeSettings


@dataclass(frozen=True, kw_only=True)
class NamedRegimes:
    """An entry of the settings.

    Attributes
    ----------
    name
        In the settings: its features begin with it.
    asset, fits, observations
        The names of its assets: `regimes`, `regime_fits`, `regime_observations`, with the entry's name before them where there are several entries.
    """

    name: str
    settings: RegimeSettings
    asset: str
    fits: str
    observations: str


def regimes(deployment: Deployment) -> Mapping[str, NamedRegimes]:
    """The entries by the name of the asset that holds their regimes, in the order of the settings; use it as `deployment.of(regimes)`."""
    entries = deployment.settings.regimes
    found = {}
    for name, settings in entries.items():
        before = f"{name}_" if len(entries) > 1 else ""
        one = NamedRegimes(
            name=name,
            settings=settings,
            asset=f"{before}regimes",
            fits=f"{before}regime_fits",
            observations=f"{before}regime_observations",
        )
        found[one.asset] = one
    return MappingProxyType(found)
