"""Additions by name: a source, a model, a strategy and so on is one module, and its name is what the settings call it.

An addition is found in three places, in this order, and never registered at import:

1. the module `<package of its kind>.<name>`, for those that come with the package;
2. the file `<plugins.folder>/<kind>/<name>.py`, for a user's own;
3. an entry point `<name>` of the group `ats_assets.<kind>`, for those that another distribution brings.

Each such module holds one object `PLUGIN`: the class that checks the addition's own settings, and what makes it of them. A name that two of the places have is an
error, since nobody could say which of the two made a partition.

Examples
--------
>>> {"lightgbm", "random_forest"} <= set(LEARNERS.names())
True
>>> LEARNERS.find("lightgbm").settings().num_leaves
31
"""

import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from ats_assets.errors import SettingsError
from ats_assets.settings import Search
from ats_assets.settings.wrong_settings import told_faults

SET_UP_BY = {"torch": "python3 dev.py torch"}
"""What installs an extra that has a lock of its own."""

S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The window of an asset that an addition makes session D from: its sessions D-back to D-lag, both included."""

    asset: str
    back: int = 0
    lag: int = 0


@dataclass(frozen=True, kw_only=True)
class Plugin(Generic[S, T]):
    """One addition.

    Parameters
    ----------
    settings
        The class of its own settings: frozen, with a default for each.
    make
        Makes it of such settings, and of what its kind is given beside them: a source the calendar, a broker the trade state.
    needs
        A module that must be there, and the extra of this package that brings it: `("torch", "torch")`.
    quick
        Settings with which it does little work, for the leak check and the test kits: what it computes is then not worth much, but computed the same way.
    space
        Of a model: the settings that tuning may choose, and what each may be; settings can name others (`[tuning.space.<name>]`).
    """

    settings: type[S]
    make: Callable[..., T]
    needs: tuple[str, str] | None = None
    quick: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Search] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[T]):
    """A kind of addition.

    Parameters
    ----------
    word
        What people call it: "model".
    name
        Of the subfolder in a user's folder, and of the group of entry points.
    package
        Where those lie that come with the package.
    plugin
        The class of its objects `PLUGIN`, where it must say more than `Plugin` has.
    """

    word: str
    name: str
    package: str
    plugin: str = f"{__name__}.Plugin"

    def names(self, folder: Path | None = None) -> list[str]:
        """The names that there are, sorted."""
        return sorted(self._places(folder))

    def find(self, name: str, folder: Path | None = None, setting: str = "") -> Plugin[Any, T]:
        """The addition of a name.

        Parameters
        ----------
        folder
            The user's own additions, `plugins.folder`.
        setting
            What named it, for the message.

        Raises
        ------
        SettingsError
            If there is none of that name, or two, or it lacks a library, or its module holds no `PLUGIN`.
        """
        places = self._places(folder)
        where = setting or f"this {self.word}"
        if name not in places:
            raise SettingsError(f"{where} is {name!r}, which is no {self.word}: choose one of {', '.join(sorted(places))}")
        if len(places[name]) > 1:
            raise SettingsError(
                f"{where} is {name!r}, of which there are {len(places[name])}: {', '.join(places[name])}. Give your own another name"
            )
        return self._loaded(name, places[name][0])

    def made(
        self,
        name: str,
        values: Mapping[str, Any] | BaseModel,
        folder: Path | None = None,
        setting: str = "",
        *given: Any,
        shared: Mapping[str, Any] | None = None,
    ) -> T:
        """The addition of a name, made of settings as they are written.

        Parameters
        ----------
        *given
            What an addition of this kind is given beside its settings.
        shared
            What other sections say: taken for a setting of the same name that `values` leaves out.

        Raises
        ------
        SettingsError
            As `find` and `checked`.
        """
        return self.chosen(name, values, folder, setting, shared).made(*given)

    def checked(
        self,
        name: str,
        values: Mapping[str, Any] | BaseModel,
        folder: Path | None = None,
        setting: str = "",
        shared: Mapping[str, Any] | None = None,
    ) -> BaseModel:
        """The settings of an addition, checked by its own class.

        Parameters
        ----------
        values
            As they are written, or an object of that class, which is checked already.

        Raises
        ------
        SettingsError
            As `find`, or if its own class refuses one of the values.
        """
        return self.chosen(name, values, folder, setting, shared).settings

    def named(
        self, name: str, values: Mapping[str, Any], folder: Path | None, section: str, shared: Mapping[str, Any] | None = None
    ) -> "Chosen[T]":
        """What an entry `[<section>.<name>]` of the settings chooses: its `kind`, by default its name, with the settings beside it; errors are those of `checked`."""
        return self.in_table(name, values, folder, f"{section}.{name}", shared)

    def in_table(
        self, default: str, values: Mapping[str, Any], folder: Path | None, setting: str, shared: Mapping[str, Any] | None = None
    ) -> "Chosen[T]":
        """What a table of the settings chooses: its `kind`, or the default, with the settings beside it; errors are those of `checked`."""
        own = {key: value for key, value in values.items() if key != "kind"}
        return self.chosen(str(values.get("kind", default)), own, folder, setting, shared)

    def chosen(
        self,
        name: str,
        values: Mapping[str, Any] | BaseModel,
        folder: Path | None = None,
        setting: str = "",
        shared: Mapping[str, Any] | None = None,
    ) -> "Chosen[T]":
        """The addition of a name with its checked settings, not made yet; parameters and errors are those of `checked`."""
        plugin = self.find(name, folder, setting)
        taken = {key: value for key, value in (shared or {}).items() if key in plugin.settings.model_fields}
        try:
            own = plugin.settings.model_validate(values if isinstance(values, BaseModel) else taken | dict(values))
        except ValidationError as error:
            raise SettingsError(told_faults(error, plugin.settings, setting or name)) from None
        return Chosen(kind=name, plugin=plugin, settings=own)

    def _places(self, folder: Path | None) -> dict[str, list[str]]:
        """Name -> the modules that have it."""
        found: dict[str, list[str]] = {}
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            found.setdefault(module.name, []).append(f"{self.package}.{module.name}")
        own = folder / self.name if folder else None
        for file in sorted(own.glob("*.py")) if own and own.is_dir() else ():
            if not file.name.startswith(("_", ".")):
                found.setdefault(file.stem, []).append(f"{_root(file.parents[1])}.{self.name}.{file.stem}")
        for point in _entry_points(tuple(sys.path)).select(group=f"ats_assets.{self.name}"):
            found.setdefault(point.name, []).append(point.module)
        return found

    def _loaded(self, name: str, module: str) -> Plugin[Any, T]:
        try:
            plugin = getattr(importlib.import_module(module), "PLUGIN", None)
        except ImportError as error:
            raise SettingsError(f"the {self.word} {name!r} ({module}) can't be imported: {error}") from error
        where, _, wanted = self.plugin.rpartition(".")
        if not isinstance(plugin, Plugin) or not isinstance(plugin, getattr(importlib.import_module(where), wanted)):
            raise SettingsError(f"{module} holds no object PLUGIN of the class {self.plugin}, so it is no {self.word}")
        if plugin.needs and importlib.util.find_spec(plugin.needs[0]) is None:
            raise SettingsError(
                f"the {self.word} {name!r} needs {plugin.needs[0]}, which is not installed: pip install 'ats-assets[{plugin.needs[1]}]'"
                + (f", in a checkout {SET_UP_BY[plugin.needs[1]]}" if plugin.needs[1] in SET_UP_BY else "")
            )
        return plugin


@dataclass(frozen=True, kw_only=True)
class Chosen(Generic[T]):
    """An addition that settings choose: its kind, its plugin, and its own settings, which are checked."""

    kind: str
    plugin: Plugin[Any, T]
    settings: BaseModel

    def made(self, *given: Any) -> T:
        """The addition, given what its kind is given beside its settings."""
        return self.plugin.make(self.settings, *given)


def has_entry_points() -> bool:
    """Whether an installed distribution brings additions of its own."""
    return any(group.startswith("ats_assets.") for group in _entry_points(tuple(sys.path)).groups)


@functools.cache
def _entry_points(_path: tuple[str, ...]) -> Any:
    """What the installed distributions add, of all groups; kept for a search path, since to read all of their metadata takes 50 ms, whichever group is asked for."""
    return importlib.metadata.entry_points()


def _root(folder: Path) -> str:
    """The name under which a user's folder can be imported: two folders in one process, such as those of two graphs, are two packages."""
    name = f"ats_plugins_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"
    if name not in sys.modules:
        package = ModuleType(name, f"The additions in {folder}.")
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    return name


LEARNERS: Kind[Any] = Kind(word="model", name="learners", package="ats_assets.models.learners")
LABELS: Kind[Any] = Kind(word="label", name="labels", package="ats_assets.labels.methods")
ENSEMBLES: Kind[Any] = Kind(word="rule of ensembles", name="ensembles", package="ats_assets.predictions.ensembles")
STRATEGIES: Kind[Any] = Kind(word="strategy", name="strategies", package="ats_assets.strategies.rules")
OPTION_STRATEGIES: Kind[Any] = Kind(word="strategy of options", name="option_strategies", package="ats_assets.option_strategies.rules")
SOURCES: Kind[Any] = Kind(
    word="source", name="sources", package="ats_assets.sources.adapters", plugin="ats_assets.sources.source.SourcePlugin"
)
BROKERS: Kind[Any] = Kind(word="broker", name="brokers", package="ats_assets.brokers", plugin="ats_assets.execution.broker.BrokerPlugin")
NOTIFIERS: Kind[Any] = Kind(word="notifier", name="notifiers", package="ats_assets.alerts.notifiers")
ENGINES: Kind[Any] = Kind(word="backtest engine", name="engines", package="ats_assets.backtests.engines")
"""Those of `[backtest] engine`; the other kinds likewise are of the table that names them."""
METHODS: Kind[Any] = Kind(word="portfolio method", name="methods", package="ats_assets.portfolio.methods")
STREAMS: Kind[Any] = Kind(word="stream", name="streams", package="ats_assets.live.streams")
ALGORITHMS: Kind[Any] = Kind(word="execution algorithm", name="algorithms", package="ats_assets.algorithms.rules")
IMPACT_MODELS: Kind[Any] = Kind(word="impact model", name="impact_models", package="ats_assets.impact.models")
RISK_RULES: Kind[Any] = Kind(word="risk rule", name="risk_rules", package="ats_assets.risk.rules")
SAMPLERS: Kind[Any] = Kind(word="sampler", name="samplers", package="ats_assets.intraday.samplers")
_TICKS = "ats_assets.intraday.tick_source"
TICK_SOURCES: Kind[Any] = Kind(word="source of ticks", name="tick_sources", package=f"{_TICKS}s", plugin=f"{_TICKS}.TickSourcePlugin")
_EVENTS = "ats_assets.scheduled_events.event_source"
EVENT_SOURCES: Kind[Any] = Kind(word="source of events", name="event_sources", package=f"{_EVENTS}s", plugin=f"{_EVENTS}.EventSourcePlugin")
_OPTIONS = "ats_assets.options.option_source"
OPTION_SOURCES: Kind[Any] = Kind(
    word="source of options", name="option_sources", package=f"{_OPTIONS}s", plugin=f"{_OPTIONS}.OptionSourcePlugin"
)
STORES: Kind[Any] = Kind(word="store", name="stores", package="ats_assets.exports.stores")
_FLOW = "ats_assets.options.flow.flow_source"
FLOW_SOURCES: Kind[Any] = Kind(word="source of flow", name="flow_sources", package=f"{_FLOW}s", plugin=f"{_FLOW}.FlowSourcePlugin")
