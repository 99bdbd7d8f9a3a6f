"""Assets of the stage labels: outcomes of decisions, stored when they became known."""

import inspect
from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.bars.schema import UNIVERSE_SCHEMA
from ats_assets.corporate_actions.identity import REPEAT_DAYS
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.labels.choosing import label_weights, labels, learnt_label, refuse_a_circle
from ats_assets.labels.contracts import SampleWeights
from ats_assets.labels.label import SIDES_SCHEMA, Label, labels_known_at, signals_asset
from ats_assets.labels.sample_weights import sample_weights, weighed_after
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known
from ats_assets.settings import SampleWeightsSettings

GROUP = "labels"
READ = KNOWN_SCHEMAS | {"universe": UNIVERSE_SCHEMA}
"""The assets that a label may read, with their schemas."""


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: forward returns, one for each label of the settings, and the weights of the label that models learn, where settings give it some."""
    made = [_label(deployment, name, label) for name, label in deployment.of(labels).items()]
    return [*made, *(_weights(deployment, name) for name in deployment.of(label_weights))]


def _label(deployment: Deployment, name: str, label: Label) -> dg.AssetsDefinition:
    settings = deployment.settings
    called = {signals_asset(strategy): asset for strategy, asset in deployment.signals.items()}
    reads = _windows(deployment, name, label, called)
    schemas = READ | dict.fromkeys(called.values(), SIDES_SCHEMA)
    back = max(window.back for window in label.needs())
    node = Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        wide=True,
        reads=reads,
        contract=label.contract,
        code=(_label, type(label)),
        settings=(label.settings, settings.actions, settings.knowledge),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        named = {window.asset: frames[called.get(window.asset, window.asset)] for window in label.needs()}
        return labels_known_at(label, named, days, sessions, adjust=settings.actions.adjust)

    @node.asset(deployment, deps=node.deps(), description=inspect.getdoc(type(label)))
    def known_labels(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)

    return known_labels


def _weights(deployment: Deployment, name: str) -> dg.AssetsDefinition:
    settings, learnt = deployment.settings, deployment.of(learnt_label)
    by = settings.training.sample_weights
    back = weighed_after(learnt.known_after)
    told = REPEAT_DAYS + 1 if deployment.tells_name_changes else 0
    node = Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        wide=True,
        reads=(
            Reads(asset=learnt.asset, back=back - 1),
            *((Reads(asset="bars", back=back),) if by == "returns" else ()),
            Reads(asset="corporate_actions", back=back - 1 + told),
        ),
        contract=SampleWeights,
        code=(_weights, type(learnt.label)),
        settings=(SampleWeightsSettings(sample_weights=by), learnt.known_after, settings.actions, settings.knowledge),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back + learnt.known_after.last))
        outcomes = learnt.outcomes(frames[learnt.asset])
        bars, actions, adjust = frames.get("bars"), frames["corporate_actions"], settings.actions.adjust
        return sample_weights(outcomes, bars, actions, days, sessions, learnt.known_after, by=by, adjust=adjust)

    @node.asset(deployment, deps=node.deps(), description=inspect.getdoc(SampleWeights))
    def weights(context: dg.AssetExecutionContext) -> pl.DataFrame:
        schemas = READ | {learnt.asset: learnt.label.schema}
        return as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)

    return weights


def _windows(deployment: Deployment, name: str, label: Label, called: Mapping[str, str]) -> tuple[Reads, ...]:
    """What the label reads; of corporate actions so many sessions more, in which a change of name could be told again.

    Parameters
    ----------
    called
        What a label calls the signals of each strategy -> their asset.

    Raises
    ------
    SettingsError
        If it reads something that is no asset, or that no label may read, or signals that are made of what models learn of it.
    """
    names = REPEAT_DAYS + 1 if deployment.tells_name_changes else 0
    found = []
    for window in label.needs():
        if window.asset not in {*READ, *called}:
            known = ", ".join(sorted({*READ, *called}))
            raise SettingsError(f"the label {name} reads {window.asset!r}, which it can't: it may read {known}")
        if window.asset in called:
            refuse_a_circle(deployment, name, window.asset)
        back = window.back + (names if window.asset == "corporate_actions" else 0)
        found.append(Reads(asset=called.get(window.asset, window.asset), back=back, lag=window.lag))
    return tuple(found)
