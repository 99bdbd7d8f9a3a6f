"""The risk rules of a deployment: the limits of `[portfolio]`, and what `[risk.<name>]` names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.impact.priced_trades import priced_trades
from ats_assets.plugins import RISK_RULES
from ats_assets.risk.rule import Rule

LIMITS = "limits"
"""The rule that is there whatever the settings name."""


@dataclass(frozen=True, kw_only=True)
class NamedRule:
    """A rule with its name in the settings, which its reasons begin with."""

    name: str
    rule: Rule


def risk_rules(deployment: Deployment) -> Sequence[NamedRule]:
    """The rules in the order in which they are applied; use it as `deployment.of(risk_rules)`.

    The limits come first, so that other rules judge a book that keeps them, and once more at the end, in case one of these has broken them.

    Raises
    ------
    SettingsError
        If a name is no rule's, or has a setting that it does not know.
    """
    settings = deployment.settings
    traded = settings.backtest
    shared = {
        **settings.portfolio.model_dump(),
        "sessions_per_year": traded.sessions_per_year,
        "trades": deployment.of(priced_trades),
        "horizon_sessions": settings.training.horizon_sessions,
        "capital": traded.initial_cash,
    }

    def made(name: str, values: dict[str, Any]) -> NamedRule:
        return NamedRule(name=name, rule=RISK_RULES.named(name, values, settings.plugins.folder, "risk", shared).made())

    own = [made(name, values) for name, values in settings.risk.items()]
    limits = made(LIMITS, {})
    return (limits, *own, limits) if own else (limits,)
