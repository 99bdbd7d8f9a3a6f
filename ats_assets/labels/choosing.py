"""The labels of a deployment: forward returns, and what `[labels.<name>]` names, each with its own settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.labels.label import Label, signals_asset
from ats_assets.labels.sample_weights import SAMPLE_WEIGHTS
from ats_assets.plugins import LABELS, STRATEGIES
from ats_assets.settings import FORWARD_RETURNS, KnownAfter, TrainingSettings


@dataclass(frozen=True, kw_only=True)
class LearntLabel:
    """The label that models learn: the asset that holds it, the label, and how long after a decision its outcome is known."""

    asset: str
    label: Label
    known_after: KnownAfter
    training: TrainingSettings

    def outcomes(self, rows: pl.DataFrame) -> pl.DataFrame:
        """What models learn of stored rows; see `Label.outcomes`."""
        return self.label.outcomes(rows, self.training)


def labels(deployment: Deployment) -> Mapping[str, Label]:
    """The labels by the name of their asset, forward returns first, then in the order of the settings; use it as `deployment.of(labels)`.

    Raises
    ------
    SettingsError
        If one names no label, or has a setting that its label does not know.
    """
    settings, folder = deployment.settings.labels, deployment.settings.plugins.folder
    found: dict[str, Label] = {FORWARD_RETURNS: LABELS.made(FORWARD_RETURNS, settings.forward_returns, folder, "labels")}
    for name, values in settings.own.items():
        found[name] = LABELS.named(name, values, folder, "labels").made()
    return MappingProxyType(found)


def label_weights(deployment: Deployment) -> tuple[str, ...]:
    """The asset of sample weights, where settings name some; use it as `deployment.of(label_weights)`."""
    return () if deployment.settings.training.sample_weights == "none" else (SAMPLE_WEIGHTS,)


def refuse_a_circle(deployment: Deployment, label: str, signals: str) -> None:
    """Refuse a label that judges the signals of a strategy which asks the models that learn it.

    Parameters
    ----------
    label, signals
        The label's name, and what it calls the signals that it reads.

    Raises
    ------
    SettingsError
        If models learn the label, and the strategy reads predictions.
    """
    settings = deployment.settings
    (name,) = (strategy for strategy in settings.strategies if signals_asset(strategy) == signals)
    own = {key: value for key, value in settings.strategies[name].items() if key != "capital"}
    strategy = STRATEGIES.named(name, own, settings.plugins.folder, "strategies").made()
    if settings.training.label_source == label and "predictions" in {window.asset for window in strategy.needs(settings.training)}:
        raise SettingsError(
            f"labels.{label} judges the signals of {name}, which are made of predictions, and models learn labels.{label}: a circle. "
            f"Judge a strategy without a model, such as momentum, or give training.label_source another label"
        )


def learnt_label(deployment: Deployment) -> LearntLabel:
    """What `training.label_source` names; use it as `deployment.of(learnt_label)`.

    Raises
    ------
    SettingsError
        If the label has no column `training.label_column`.
    """
    training = deployment.settings.training
    label = deployment.of(labels)[training.label_source]
    if training.label_column not in {None, *label.learnable}:
        raise SettingsError(
            f"training.label_column is {training.label_column!r}, but of {training.label_source} a model can learn "
            f"{', '.join(label.learnable)}: choose one of these, or leave it out for {label.learnable[0]}"
        )
    return LearntLabel(asset=training.label_source, label=label, known_after=label.known_after(training), training=training)
