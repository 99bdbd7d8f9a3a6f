"""The model of impact of a deployment with what is stored for it."""

from collections.abc import Sequence
from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.impact.choosing import chosen_impact
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.schema import FIT, MARKET, MARKET_SCHEMA


def stored_impact(deployment: Deployment, sessions: Sequence[date]) -> MarketImpact | None:
    """What trades of sessions, and of the one after the last, cost; None where the settings have fixed rates and no bound of participation.

    Raises
    ------
    MissingPartitionError
        If `impact_inputs` is not stored for one of the sessions.
    """
    settings, warehouse = deployment.settings.impact, deployment.warehouse
    if not settings.of_trading:
        return None
    inputs = warehouse.read(MARKET, sessions, MARKET_SCHEMA.names()) if settings.is_on and sessions else MARKET_SCHEMA.to_frame()
    return MarketImpact(
        model=deployment.of(chosen_impact),
        settings=settings,
        inputs=inputs,
        scales=_scales(deployment, sessions) if settings.fitted else {},
    )


def _scales(deployment: Deployment, sessions: Sequence[date]) -> dict[date, float]:
    """What the fits say; those from before the first of the sessions count for it, the newest of them."""
    stored = [day for day in deployment.valid_sessions(FIT) if sessions and day <= sessions[-1]]
    within = [day for i, day in enumerate(stored) if day >= sessions[0] or i + 1 == len(stored) or stored[i + 1] >= sessions[0]]
    if not within:
        return {}
    rows = deployment.warehouse.read(FIT, within, ["session", "model", "scale"]).filter(model=deployment.settings.impact.model)
    return dict(rows.select("session", "scale").iter_rows())
