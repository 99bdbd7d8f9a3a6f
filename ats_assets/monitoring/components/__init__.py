"""The state of every component of a deployment: `components(deployment)`, for `ats status`, the service, the dashboard and metrics."""

from ats_assets.monitoring.components.component import NEEDS_A_PERSON, STATES, Component, State
from ats_assets.monitoring.components.every_component import (
    components,
    components_observed,
    plain_component,
    status_document,
    verdict_of,
    worst_first,
)
from ats_assets.monitoring.components.observed import Observed

__all__ = [
    "NEEDS_A_PERSON",
    "STATES",
    "Component",
    "Observed",
    "State",
    "components",
    "components_observed",
    "plain_component",
    "status_document",
    "verdict_of",
    "worst_first",
]
