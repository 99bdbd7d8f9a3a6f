"""Assets of the stage labels: outcomes of decisions, stored when they became known."""

import inspect
from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.bars.schema import UNIVERSE_SCHEMA
from ats_assets.corporate_actions.identity import REPEAT_DAYS
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.labels.choosing import labels
from ats_assets.labels.label import Label, labels_known_at
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known

GROUP = "labels"
READ = KNOWN_SCHEMAS | {"universe": UNIVERSE_SCHEMA}
"""The assets that a label may read, with their schemas."""


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: forward returns, and one for each label of the settings."""
    return [_label(deployment, name, label) for name, label in deployment.of(labels).items()]


def _label(deployment: Deployment, name: str, label: Label) -> dg.AssetsDefinition:
    settings = deployment.settings
    reads = _windows(name, label, names=REPEAT_DAYS + 1 if deployment.tells_name_changes else 0)
    back = max(window.back for window in label.needs())
    node = Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=reads,
        contract=label.contract,
        code=(_label, type(label)),
        settings=(label.settings, settings.actions, settings.knowledge),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        return labels_known_at(label, frames, days, sessions, adjust=settings.actions.adjust)

    @node.asset(deployment, deps=node.deps(), description=inspect.getdoc(type(label)))
    def known_labels(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return as_known(deployment, node, sessions_of(context.partition_keys), READ, make)

    return known_labels


def _windows(name: str, label: Label, *, names: int) -> tuple[Reads, ...]:
    """What the label reads; of corporate actions so many sessions more, in which a change of name could be told again.

    Raises
    ------
    SettingsError
        If it reads something that is no asset, or that no label may read.
    """
    for window in label.needs():
        if window.asset not in READ:
            raise SettingsError(f"the label {name} reads {window.asset!r}, which it can't: it may read {', '.join(sorted(READ))}")
    return tuple(
        Reads(asset=window.asset, back=window.back + (names if window.asset == "corporate_actions" else 0), lag=window.lag)
        for window in label.needs()
    )
