"""The exports of a deployment: what `[exports.<name>]` names, each with its store and the assets that it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.exports.exported_partitions import with_vintages
from ats_assets.exports.schema import export_asset
from ats_assets.exports.store import ExportedTable, ExportStore, StorePlace
from ats_assets.plugins import STORES
from ats_assets.secrecy import hold_secret
from ats_assets.storage.warehouse import REASON

ASSETS, ATTEMPTS = "assets", "attempts"
"""What every table `[exports.<name>]` may say beside `kind` and the store's own settings."""
MOST_ATTEMPTS = 20


@dataclass(frozen=True, kw_only=True)
class NamedExport:
    """An export: its name in the settings, its store, the assets in the order in which they are named, and how often a store that is gone is tried."""

    name: str
    kind: str
    store: ExportStore
    assets: tuple[str, ...]
    attempts: int = 3

    @property
    def asset(self) -> str:
        """The asset that is made of it."""
        return export_asset(self.name)


def exports(deployment: Deployment) -> Mapping[str, NamedExport]:
    """The exports by name; use it as `deployment.of(exports)`.

    Raises
    ------
    SettingsError
        If one names no store or no assets, or has a setting that its store does not know.
    """
    settings, found = deployment.settings, {}
    for name, values in settings.exports.items():
        own = {key: value for key, value in values.items() if key not in {ASSETS, ATTEMPTS}}
        chosen = STORES.named(name, own, settings.plugins.folder, "exports")
        store = chosen.made(StorePlace(export=name, prefix=settings.graph.prefix))
        hold_secret(*store.secrets)
        found[name] = NamedExport(name=name, kind=chosen.kind, store=store, assets=_assets(name, values), attempts=_attempts(name, values))
    return MappingProxyType(found)


def _assets(name: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    told = values.get(ASSETS, ())
    if isinstance(told, str) or not told or not all(isinstance(one, str) and one for one in told):
        raise SettingsError(f'exports.{name}.assets is {told!r}: name what is exported, such as ["bars", "predictions"]')
    return tuple(dict.fromkeys(told))


def _attempts(name: str, values: Mapping[str, Any]) -> int:
    told = values.get(ATTEMPTS, 3)
    if not isinstance(told, int) or isinstance(told, bool) or not 1 <= told <= MOST_ATTEMPTS:
        raise SettingsError(f"exports.{name}.attempts is {told!r}: give a number from 1 to {MOST_ATTEMPTS}")
    return told


def exported_tables(deployment: Deployment, one: NamedExport) -> list[ExportedTable]:
    """The columns of what is exported, by the contracts; to be called when all other stages are built.

    Raises
    ------
    SettingsError
        If an asset is none that has rows by session, or the store can't hold it.
    """
    found = []
    for asset in one.assets:
        if asset not in deployment.by_session:
            there = ", ".join(sorted(deployment.by_session))
            raise SettingsError(f"exports.{one.name}.assets names {asset!r}, which is no asset with rows by session: choose from {there}")
        table = ExportedTable(
            asset=asset,
            schema=_with_reason(deployment.schemas[asset]) if asset in deployment.signals.values() else deployment.schemas[asset],
            told=deployment.told_columns[asset],
            keeps_vintages=with_vintages(deployment, asset),
        )
        one.store.require_exportable(table)
        found.append(table)
    return found


def _with_reason(schema: pl.Schema) -> pl.Schema:
    """The columns of signals, those of sessions among them that were made while settings chose what gives reasons."""
    return pl.Schema({**schema, REASON: pl.String()})
