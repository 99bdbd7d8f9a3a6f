"""What the settings say of events: how they are found, how their positions end, and the models that learn of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.events.bar_regimes import BAR_REGIMES, bar_regime_columns
from ats_assets.events.decisions import check_side
from ats_assets.features.choosing import bar_families, families_of_model, judged_families, measure_families
from ats_assets.features.family import ColumnFamily, FeatureFamily
from ats_assets.labels.cusum import CusumSettings
from ats_assets.labels.event_barriers import EventBarrierSettings
from ats_assets.models import Model
from ats_assets.plugins import LEARNERS
from ats_assets.settings import RULE
from ats_assets.settings.wrong_settings import told_faults

S = TypeVar("S", bound=BaseModel)

EVENTS, LABELS = "events", "event_labels"
"""The assets of the decisions, and of what became of them."""
PRIMARY_SCORE, SIDE = "primary_score", "primary_side"
"""The features that a model that judges a side has beside those of its families."""


@dataclass(frozen=True, kw_only=True)
class EventModel:
    """A model of events.

    Parameters
    ----------
    model
        Its name, learner and assets, as of any model.
    judges
        The name of the model whose side it judges, "rule" for that of `events.side`; None: it says itself which way the price goes.
    """

    model: Model
    judges: str | None

    @property
    def name(self) -> str:
        """In the settings."""
        return self.model.name

    @property
    def predictions(self) -> str:
        """The asset of its predictions."""
        return f"{self.name}_predictions"

    @property
    def primary(self) -> str | None:
        """The asset of the predictions that it judges; None where it judges none."""
        return None if self.judges in {None, RULE} else f"{self.judges}_predictions"

    @property
    def labels(self) -> str:
        """The asset of the labels that it learns: those of the sides that it judges, where a model gives them."""
        return f"{self.name}_labels" if self.primary else LABELS

    @property
    def own_features(self) -> tuple[str, ...]:
        """Beside those of the families, in their order."""
        return (SIDE, PRIMARY_SCORE) if self.primary else (SIDE,) if self.judges else ()


@dataclass(frozen=True, kw_only=True)
class EventRules:
    """How events are found, and how their positions end."""

    frame: str
    cusum: CusumSettings
    barriers: EventBarrierSettings


def event_rules(deployment: Deployment) -> EventRules | None:
    """What `[events]` says, checked; None without a frame. Use it as `deployment.of(event_rules)`.

    Raises
    ------
    SettingsError
        If a setting is wrong.
    ExpressionError, LookAheadError
        If the side is no expression over bars.
    """
    settings = deployment.settings.events
    if settings.frame is None:
        return None
    check_side(settings)
    shared = {"lookback_sessions": deployment.settings.intraday.lookback_sessions}
    return EventRules(
        frame=settings.frame,
        cusum=_checked(CusumSettings, shared | settings.cusum, "events.cusum"),
        barriers=_checked(EventBarrierSettings, shared | settings.barriers, "events.barriers"),
    )


def event_models(deployment: Deployment) -> Mapping[str, EventModel]:
    """The models of events by their names, in the order of the settings; use it as `deployment.of(event_models)`.

    Raises
    ------
    SettingsError
        If one names no learner, or has a setting that its learner does not know.
    """
    found = {}
    for name, values in deployment.settings.event_models.items():
        own = {key: value for key, value in values.items() if key != "judges"}
        chosen = LEARNERS.named(name, own, deployment.settings.plugins.folder, "event_models")
        quick = chosen.plugin.make(chosen.settings.model_copy(update=chosen.plugin.quick))
        model = Model(name=name, kind=chosen.kind, learner=chosen.made(), quick=quick)
        if model.sequence_sessions > 1:
            raise SettingsError(
                f"event_models.{name} ({chosen.kind}) looks at sequences of {model.sequence_sessions} sessions, and an event has no row at each session: "
                "set it to look at one (sequence_sessions = 1), or choose another kind"
            )
        objective = getattr(chosen.settings, "objective", "regression")
        if objective not in {"regression", "classification"}:
            raise SettingsError(
                f"event_models.{name} ({chosen.kind}) has objective = {objective!r}, whose scores are no probabilities, which models of events must say: "
                "set it to 'classification' or 'regression'"
            )
        found[name] = EventModel(model=model, judges=values.get("judges"))
    return MappingProxyType(found)


def event_families(deployment: Deployment) -> Mapping[str, FeatureFamily | ColumnFamily]:
    """The families that models of events learn from, over bars (microstructure and regimes among them) and sessions, in their order; as `deployment.of(event_families)`.

    Raises
    ------
    SettingsError
        If one is no asset, or named twice.
    FeatureError
        If two have a factor of the same name.
    """
    made = (judged_families, bar_families, measure_families)
    known = {name: family for one in made for name, family in deployment.of(one).items()} | _regimes(deployment)
    for name in deployment.settings.event_training.families:
        if name not in known:
            raise SettingsError(
                f"event_training.families names `{name}`, which is no family that is an asset: choose from {', '.join(known)}"
            )
    return families_of_model(deployment.settings.event_training.families, known, "event_training.families")


def _regimes(deployment: Deployment) -> dict[str, ColumnFamily]:
    """The regimes of bars as a family, where the settings name their frame."""
    own = deployment.settings.bar_regimes
    described = bar_regime_columns(own)
    return (
        {BAR_REGIMES: ColumnFamily(name=BAR_REGIMES, descriptions=described, origin="[bar_regimes]", frame=own.frame)} if own.frame else {}
    )


def traded_model(deployment: Deployment) -> EventModel | None:
    """The one that the backtest trades: `event_backtest.model`, or the last; None without any."""
    found = deployment.of(event_models)
    name = deployment.settings.event_backtest.model or next(reversed([*found]), None)
    return found[name] if name else None


def _checked(kind: type[S], values: Mapping[str, Any], section: str) -> S:
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise SettingsError(told_faults(error, kind, section)) from None
