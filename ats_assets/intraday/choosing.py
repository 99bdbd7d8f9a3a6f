"""What the settings name: samplers and sources of ticks."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast, get_args

from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.intraday.respelled_ticks import open_ticks
from ats_assets.intraday.sampler import Sampler
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import TickSource, TickSourcePlugin, What
from ats_assets.plugins import SAMPLERS, TICK_SOURCES

_WHAT: tuple[What, ...] = get_args(What)


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


def session_hours(deployment: Deployment) -> SessionHours:
    """The hours of all instruments, over the calendar that is in use now."""
    return SessionHours(deployment.calendar, deployment.settings.intraday.sessions)


def tick_plugin(deployment: Deployment, what: What) -> tuple[TickSourcePlugin[Any], BaseModel]:
    """The source of ticks that the settings name, and its own settings.

    Raises
    ------
    SettingsError
        If there is none of that name, or it refuses one of the settings.
    """
    settings = deployment.settings
    chosen = TICK_SOURCES.in_table("files", getattr(settings.intraday, what), settings.plugins.folder, f"intraday.{what}")
    return cast("TickSourcePlugin[Any]", chosen.plugin), chosen.settings


def tick_source(deployment: Deployment, what: What) -> TickSource:
    """Where trades or quotes come from, opened anew: its first use reads files or asks a server."""
    plugin, own = tick_plugin(deployment, what)
    return open_ticks(plugin, own, what, session_hours(deployment), deployment)


def tick_assets(deployment: Deployment) -> tuple[What, ...]:
    """The names of the assets that hold ticks, only what the settings name: trades, quotes, or both, or none."""
    intraday = deployment.settings.intraday
    return tuple(name for name in _WHAT if getattr(intraday, name))


def require_sampled_ticks(name: str, sampler: Sampler, there: Sequence[str]) -> None:
    """Refuse a sampler of ticks that no settings say where they come from, before a run waits for them.

    Raises
    ------
    SettingsError
        If `there`, the names of the assets that hold ticks, lacks what it samples or what it reads beside.
    """
    if sampler.source not in there:
        raise SettingsError(
            f"[samplers.{name}] samples {sampler.source}, but there are {' and '.join(there) or 'no ticks'}: set [intraday.{sampler.source}]"
            + (f', or source = "{there[0]}"' if there else "")
        )
    for window in sampler.needs():
        if window.asset not in there:
            raise SettingsError(
                f'[samplers.{name}] also reads {window.asset} (spread = true and sides = "lee_ready" do), but there are none: '
                f"set [intraday.{window.asset}], or leave that setting out"
            )
