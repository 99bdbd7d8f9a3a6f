"""The strategies of a deployment: what `[strategies.<name>]` names, each with its own settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.labels import learnt_label
from ats_assets.plugins import LEARNERS, STRATEGIES
from ats_assets.portfolio.choosing import portfolio_method
from ats_assets.strategies.strategy import Strategy, signals_of
from ats_assets.strategies.weighting import Weighting


@dataclass(frozen=True, kw_only=True)
class NamedStrategy:
    """A strategy that is an asset: its name in the settings, its kind, and the strategy."""

    name: str
    kind: str
    strategy: Strategy


def weighting(deployment: Deployment) -> Weighting:
    """How scores become signals; use it as `deployment.of(weighting)`."""
    settings = deployment.settings
    return Weighting(deployment.of(portfolio_method), settings.portfolio, settings.training.horizon_sessions)


def called_signals(deployment: Deployment) -> Mapping[str, str]:
    """What a strategy calls the signals of each other one -> their asset; use it as `deployment.of(called_signals)`."""
    return MappingProxyType({signals_of(name): asset for name, asset in deployment.signals.items()})


def strategies(deployment: Deployment) -> Mapping[str, NamedStrategy]:
    """The strategies by the name of their asset, in the order of the settings; use it as `deployment.of(strategies)`.

    Raises
    ------
    SettingsError
        If one names no strategy, or has a setting that it does not know.
    """
    found, shared = {}, deployment.settings.portfolio.model_dump(include={"without_signals_sessions"})
    for name, values in deployment.settings.strategies.items():
        own = {key: value for key, value in values.items() if key != "capital"}  # which is of `targets`
        chosen = STRATEGIES.named(name, own, deployment.settings.plugins.folder, "strategies", shared)
        strategy = chosen.made()
        if (followed := getattr(strategy, "follows", None)) in deployment.settings.strategies:
            _require_that_predictions_judge(deployment, name, followed)
            _require_probabilities(deployment, name)
        found[deployment.signals[name]] = NamedStrategy(name=name, kind=chosen.kind, strategy=strategy)
    return MappingProxyType(found)


def _require_that_predictions_judge(deployment: Deployment, name: str, followed: str) -> None:
    """Refuse a strategy that takes predictions for the probability that another one is right, where models learn something else.

    Of any other label, such as the direction of a price, a high prediction would make a short position large.

    Raises
    ------
    SettingsError
    """
    training, learnt = deployment.settings.training, deployment.of(learnt_label)
    column = training.label_column or learnt.label.learnable[0]
    judged = getattr(learnt.label, "judges", None)
    if judged != followed or column != "label":
        what = f"whether the sides of {judged} are right" if judged else "something else"
        what = what if column == "label" or not judged else f"the {column} of positions"
        raise SettingsError(
            f"[strategies.{name}] follows {followed} as far as predictions say that it is right, but models learn {what} "
            f"({training.label_source}.{column}): set training.label_source to a label of the kind meta_labels whose strategy is {followed}"
        )


def _require_probabilities(deployment: Deployment, name: str) -> None:
    """Refuse a strategy that takes predictions for probabilities, where a model's scores are something else.

    Raises
    ------
    SettingsError
    """
    for model, values in deployment.settings.models.items():
        chosen = LEARNERS.named(model, values, deployment.settings.plugins.folder, "models")
        objective = getattr(chosen.settings, "objective", "regression")
        odds = objective == "classification" and getattr(chosen.made(), "log_odds", False)
        if odds or objective not in {"regression", "classification"}:
            raise SettingsError(
                f"[strategies.{name}] takes predictions for probabilities, but the scores of [models.{model}] ({chosen.kind}, objective = {objective!r}) are "
                f"{'log-odds' if odds else 'none'}: set its objective to 'regression', or leave the model out"
            )
