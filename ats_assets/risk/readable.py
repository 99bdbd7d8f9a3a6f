"""What risk rules, and strategies that apply them, may read beside signals: the assets of a deployment, with their schemas."""

import polars as pl

from ats_assets.bars.schema import UNIVERSE_SCHEMA
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.features.choosing import families
from ats_assets.features.schema import frame_schema
from ats_assets.impact.schema import MARKET, MARKET_SCHEMA
from ats_assets.intervals.schema import INTERVALS, INTERVALS_SCHEMA
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.regimes.choosing import regimes
from ats_assets.regimes.schema import regimes_schema
from ats_assets.scheduled_events import SCHEDULED, SCHEDULED_EVENTS_SCHEMA

READ = KNOWN_SCHEMAS | {"universe": UNIVERSE_SCHEMA, "predictions": PREDICTIONS_SCHEMA, "forward_returns": FORWARD_RETURNS_SCHEMA}
"""Those that are always there."""


def readable_schemas(deployment: Deployment) -> dict[str, pl.Schema]:
    """Those and the feature families, regimes, intervals, scheduled events and inputs of impact that settings make; use it as `deployment.of(readable_schemas)`, and change nothing in it."""
    schemas = READ | {name: frame_schema(family) for name, family in deployment.of(families).items()}
    schemas |= {asset: regimes_schema(one.name, one.settings) for asset, one in deployment.of(regimes).items()}
    schemas |= {MARKET: MARKET_SCHEMA} if deployment.settings.impact.is_on else {}
    schemas |= {SCHEDULED: SCHEDULED_EVENTS_SCHEMA} if deployment.settings.scheduled_events.has_events else {}
    return schemas | ({INTERVALS: INTERVALS_SCHEMA} if deployment.settings.confidence else {})
