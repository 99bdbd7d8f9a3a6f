"""What a model of events reads, and how it is put together: by the assets, by `ats predict`, and by the leak check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.events.bar_regimes import BAR_REGIMES, bar_regimes_schema
from ats_assets.events.choosing import EVENTS, LABELS, EventModel, EventRules, event_families, event_models, event_rules
from ats_assets.events.event_sets import EventInputs, event_features
from ats_assets.events.schema import EVENT_PREDICTIONS_SCHEMA, EVENTS_SCHEMA
from ats_assets.features.family import ColumnFamily, FeatureFamily
from ats_assets.features.schema import bar_frame_schema, frame_schema
from ats_assets.intraday import INFORMATION_BARS_SCHEMA
from ats_assets.labels.event_barriers import EVENT_LABELS_SCHEMA
from ats_assets.settings import EventTrainingSettings


@dataclass(frozen=True, kw_only=True)
class EventLane:
    """A model of events, and the families and rules that it is made by."""

    model: EventModel
    rules: EventRules
    families: Mapping[str, FeatureFamily | ColumnFamily]
    settings: EventTrainingSettings

    @property
    def features_of(self) -> tuple[str, ...]:
        """The assets that features of events are made of, beside the events: the families."""
        return tuple(self.families)

    @property
    def decided_by(self) -> tuple[str, ...]:
        """The assets with a row an event: the events, and the predictions of the model whose side is judged."""
        return (EVENTS, *filter(None, [self.model.primary]))

    def features(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date]) -> pl.DataFrame:
        """The features of the events among some rows; see `event_features`.

        Parameters
        ----------
        frames
            By the name of each asset of `features_of` and `decided_by`, its rows.
        days
            Every session of the calendar that they span, ascending.
        """
        inputs = EventInputs(
            events=frames[EVENTS],
            frames={name: frames[name] for name in self.families},
            names={name: list(family.factors) for name, family in self.families.items()},
            days=days,
            primary=frames[self.model.primary] if self.model.primary else None,
        )
        return event_features(self.model, inputs, self.settings)


def event_lane(deployment: Deployment, model: EventModel) -> EventLane:
    """The lane of a model.

    Raises
    ------
    SettingsError
        If there are no events.
    """
    rules = deployment.of(event_rules)
    assert rules is not None, "the settings refuse models of events without a frame"
    return EventLane(model=model, rules=rules, families=deployment.of(event_families), settings=deployment.settings.event_training)


def event_schemas(deployment: Deployment) -> dict[str, pl.Schema]:
    """The schema of each asset of events that is a frame, by its name."""
    regimes = deployment.settings.bar_regimes
    of_regimes = {BAR_REGIMES: bar_regimes_schema(regimes)} if regimes.frame else {}
    if deployment.of(event_rules) is None:
        return of_regimes
    found = of_regimes | {EVENTS: EVENTS_SCHEMA, LABELS: EVENT_LABELS_SCHEMA}
    for model in deployment.of(event_models).values():
        found |= {model.labels: EVENT_LABELS_SCHEMA, model.predictions: EVENT_PREDICTIONS_SCHEMA}
    return found


def schemas_read(deployment: Deployment) -> dict[str, pl.Schema]:
    """The schema of each frame that assets of events read, by the name of its asset."""
    rules = deployment.of(event_rules)
    of_families = {
        name: bar_frame_schema(family) if family.frame else frame_schema(family) for name, family in deployment.of(event_families).items()
    }
    return event_schemas(deployment) | of_families | ({rules.frame: INFORMATION_BARS_SCHEMA} if rules else {})
