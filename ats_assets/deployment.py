"""One deployment: the settings, and what they make (calendar, warehouse, source, model stores), each made when it is first needed."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import polars as pl
from pydantic import BaseModel

from ats_assets.calendar import SessionCalendar
from ats_assets.plugins import SOURCES
from ats_assets.refits import ASKED_FOR_EACH
from ats_assets.settings import Period, Refit, Settings
from ats_assets.storage.artefacts import NO_MODEL, ModelStore
from ats_assets.storage.knowledge import Knowledge
from ats_assets.storage.opened_root import opened_root
from ats_assets.storage.stored_calendar import CalendarStore
from ats_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    from ats_assets.sources.source import BarSource, SourcePlugin

T = TypeVar("T")
RAW_BARS = frozenset({"raw_bars"})
"""The delivery with which history begins, where an asset says no other."""


class Deployment:
    """What the assets, checks, sensors and the command line work on.

    Parameters
    ----------
    settings
        Frozen; a deployment never changes them.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stores: dict[str, ModelStore] = {}
        self._made: dict[Callable[[Deployment], Any], Any] = {}
        self._calendar_stamp: tuple[str, int] | None = None
        self.begins_with: dict[str, frozenset[str]] = {}
        """Asset -> the deliveries without which it has no history, of those that are not made of raw bars alone; noted as the graph is built."""
        self.schemas: dict[str, pl.Schema] = {}
        """Asset -> the columns of its contract, of those that are frames; noted as the graph is built."""
        self.told_columns: dict[str, dict[str, str]] = {}
        """Asset -> what its contract says of each column, likewise."""
        self.by_session: set[str] = set()
        """The assets that are frames with a partition for each session, likewise."""
        self.records: set[str] = set()
        """The assets that tell what happened, which can't be made later, likewise."""
        self.deliveries: set[str] = set()
        """Those that keep each delivery that differs as a vintage, likewise."""
        self.copies: set[str] = set()
        """Those that copy partitions to a store, likewise: of a record they take the sessions that it has."""
        self.asked_sessions: tuple[date, ...] = ()
        """What this process was asked to make, if it is one command: sessions that are partitions in any case."""

    @cached_property
    def calendar(self) -> SessionCalendar:
        """The exchange's sessions: those stored in the warehouse, once something is stored there."""
        calendar = self.calendar_store.open()
        self._calendar_stamp = self.calendar_store.stamp
        return calendar

    @cached_property
    def calendar_store(self) -> CalendarStore:
        """The stored calendar."""
        return CalendarStore(self.warehouse, self.settings.calendar)

    def refresh_calendar(self) -> bool:
        """Reload the calendar where another one has been stored since it was opened, and say whether its sessions are others; for processes that live long."""
        before = self.calendar
        if not self.calendar_is_outdated:
            return False
        for name in ("calendar", "source", "knowledge"):  # which hold it
            self.__dict__.pop(name, None)
        return self.calendar.sessions(date.min, date.max) != before.sessions(date.min, date.max)

    @property
    def calendar_is_outdated(self) -> bool:
        """Whether another calendar has been stored since this one was opened."""
        return self.calendar_store.stamp != self._calendar_stamp

    def valid_sessions(self, asset: str) -> list[date]:
        """The stored sessions of an asset that are sessions still: what was made of a day that turned out to be none is not read."""
        return [day for day in self.warehouse.stored_sessions(asset) if self.calendar.is_session(day)]

    @cached_property
    def knowledge(self) -> Knowledge:
        """Which vintage each partition reads."""
        return Knowledge(self.settings.knowledge, lambda: self.calendar)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The Parquet warehouse."""
        storage = self.settings.storage
        how = {"compression_level": storage.compression_level, "fsync": storage.fsync}
        return Warehouse(storage.warehouse_folder, **how, knowledge=self.knowledge, root_folder=opened_root(storage, storage.warehouse))

    @cached_property
    def source_plugin(self) -> "SourcePlugin[Any]":
        """The source that the settings name, and what is known of it before it is opened.

        Raises
        ------
        SettingsError
            If there is none of that name, or a table `[source.<name>]` is of none.
        """
        source, folder = self.settings.source, self.settings.plugins.folder
        for name in source.own:
            SOURCES.find(name, folder, f"[source.{name}]")
        return cast("SourcePlugin[Any]", SOURCES.find(source.kind, folder, "source.kind"))

    @cached_property
    def source_settings(self) -> BaseModel:
        """The source's own settings.

        Raises
        ------
        SettingsError
            If the source refuses one of them.
        """
        source = self.settings.source
        return SOURCES.checked(source.kind, source.chosen, self.settings.plugins.folder, f"source.{source.kind}")

    @property
    def tells_name_changes(self) -> bool:
        """Whether a change of name can be among the source's corporate actions."""
        return self.source_plugin.tells_name_changes(self.source_settings)

    @property
    def source_ends(self) -> date | None:
        """The source's last session, if no market feeds it; None where each close makes a session due."""
        return self.source_plugin.ends(self.source_settings)

    @property
    def has_only_ticks(self) -> bool:
        """Whether the settings name ticks and no source of daily bars: sessions are those of the ticks then, and nothing is made of daily bars."""
        return self.settings.intraday.has_ticks and "kind" not in self.settings.source.model_fields_set

    @property
    def collected(self) -> tuple[str, ...]:
        """The names of the assets that the source has beside bars and corporate actions."""
        return self.source_plugin.collects(self.source_settings)

    @cached_property
    def source(self) -> "BarSource":
        """Where bars come from; its first use reads its files, or asks its server."""
        return self.source_now()

    def source_now(self) -> "BarSource":
        """The source reopened, for processes that live long: what `source` has read once it does not read again."""
        return self.source_plugin.opened(self.source_settings, self.calendar, self.settings)

    def of(self, make: Callable[["Deployment"], T]) -> T:
        """What a stage makes of the deployment, made once: `deployment.of(families)`."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The assets that are models, in the order of the settings: they lie in the model store, not in the warehouse."""
        return (*self.daily_models, *self.drift_refits.values(), *(f"{name}_model" for name in self.settings.event_models))

    @cached_property
    def daily_models(self) -> tuple[str, ...]:
        """Those that learn from the features of sessions, and not of events inside them."""
        return tuple(f"{name}_model" for name in self.settings.models)

    @cached_property
    def drift_refits(self) -> dict[str, str]:
        """Model of sessions -> the asset of the refits that drift asked for; none unless settings want them."""
        wanted = self.settings.training.refit_on_drift
        return {f"{name}_model": f"{name}_refits" for name in self.settings.models} if wanted else {}

    def refit(self, model: str) -> Refit:
        """When a model is fitted, by its asset."""
        if model in self.drift_refits.values():
            return ASKED_FOR_EACH
        return self.settings.training.refit if model in self.daily_models else self.settings.event_training.refit

    @cached_property
    def tunings(self) -> dict[str, str]:
        """The asset that holds the tuning of a model, by the model's name, of those that are tuned."""
        return {name: f"{name}_tuning" for name in self.settings.tuning.models}

    @cached_property
    def retunings(self) -> dict[str, str]:
        """The asset that holds the tunings that drift asks for, by the model's name; none unless settings want them."""
        drift = self.settings.drift
        wanted = drift is not None and drift.extra_tunings_a_year > 0 and bool(self.drift_refits)
        return {name: f"{name}_retuning" for name in self.tunings} if wanted else {}

    def carried(self, asset: str) -> Period | None:
        """At the first sessions of which periods an asset is made; it is carried forward between them. None: it is made at every session."""
        if asset in self.tunings.values():
            return self.settings.tuning.every
        if asset in self.retunings.values():
            return ASKED_FOR_EACH
        return self.refit(asset) if asset in self.models else None

    @cached_property
    def signals(self) -> dict[str, str]:
        """The asset that holds the signals of each strategy, by its name, in the order of the settings."""
        names = list(self.settings.strategies)
        return {name: "signals" if len(names) == 1 else f"{name}_signals" for name in names}

    def model_store(self, name: str) -> ModelStore:
        """The models of one name."""
        if name not in self._stores:
            storage = self.settings.storage
            folder = opened_root(storage, storage.models)
            self._stores[name] = ModelStore(storage.models_folder, name, fsync=storage.fsync, root_folder=folder)
        return self._stores[name]

    def data_versions(self, asset: str, sessions: Sequence[date]) -> dict[str, str]:
        """Session (ISO) -> data version; of a model, the SHA-256 of the active one."""
        if asset not in self.models:
            return self.warehouse.data_versions(asset, sessions)
        store = self.model_store(asset)
        return {session.isoformat(): store.record(session).model_sha256 or NO_MODEL for session in sessions}

    def history_start(self, asset: str = "raw_bars") -> date | None:
        """Where the history of an asset starts: at the first session with raw bars, or with the ticks that it is made of; None where there is none yet."""
        starts = [self.warehouse.history_start(delivery) for delivery in self.begins_with.get(asset, RAW_BARS)]
        return None if None in starts else max(filter(None, starts))

    def known(self, sessions: Sequence[date], asset: str = "raw_bars") -> list[date]:
        """The sessions that are not before the history of an asset: only those can be missing."""
        start = self.history_start(asset)
        return [session for session in sessions if start is not None and session >= start]

    def read_known(self, asset: str, sessions: Sequence[date], schema: pl.Schema, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of the sessions that are not before history; an empty frame of `schema` where none is left."""
        known = self.known(sessions, asset)
        if not known:
            empty = schema.to_frame()
            return empty.select(columns) if columns else empty
        return self.warehouse.read(asset, known, columns)
