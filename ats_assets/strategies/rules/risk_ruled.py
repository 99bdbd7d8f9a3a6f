"""Another strategy's positions under a risk rule of its own: a regime filter, a volatility target or any other, for this strategy alone.

`[risk]` holds rules for what all strategies want together. This one applies a rule to the signals of one strategy before they are netted with the others', so that a strategy that only pays in quiet markets
can stand aside in wild ones while the rest goes on. That one has a capital of 0, so that its positions are held once. The rule sees weights as shares of the strategy's own capital. A rule of one's
own lies in `[risk]` only; what a rule takes from other sections there (limits, costs) is written in `options`. A rule that looks at past books, such as `stops`, sees the strategy's. What it changes has the
rule's reason in the signal, and so in the targets.

Where the primary strategy has no signals the rule goes on with its last book (`ats_assets.strategies.resting_primary`): it may make positions smaller, and adds to none.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
from pydantic import Field

from ats_assets.plugins import RISK_RULES, Needs, Plugin
from ats_assets.risk import BOOKS, past_books, ruled
from ats_assets.settings import Name, Positive, Section, TrainingSettings
from ats_assets.strategies.resting_primary import followed_books, widened_needs
from ats_assets.strategies.strategy import signals_of


class RiskRuledSettings(Section):
    """Whose positions are ruled, and by what."""

    primary: Name = Field(default="momentum", description="another one of [strategies.<name>], whose capital may be 0")
    rule: Name = Field(default="regime_filter", description="a risk rule that comes with the package")
    options: dict[str, Any] = Field(default={}, description="the rule's own settings")
    without_signals_sessions: Positive = Field(default=63, description="as in [portfolio], from where it is taken")


class RiskRuled:
    """Rule another strategy's positions."""

    gives_reasons = True

    def __init__(self, settings: RiskRuledSettings) -> None:
        self.settings = settings
        self.rule = RISK_RULES.made(settings.rule, settings.options, setting="strategies.<name>.rule")
        self.made_of = (type(self.rule),)

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """The primary strategy's signals, and what the rule reads."""
        kept = self.settings.without_signals_sessions
        return widened_needs(signals_of(self.settings.primary), self.rule.needs(), kept, past_books(self.rule))

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """The primary strategy's scores, and the weights that the rule leaves."""
        signals, past = frames[signals_of(self.settings.primary)], past_books(self.rule)
        primary = followed_books(signals, frames, days, sessions, kept=self.settings.without_signals_sessions, past=past)
        books = primary.rows.select("symbol", "session", weight="target_weight")
        wanted, proposed = (rows.filter(pl.col("session").is_in(primary.judged)) for rows in (primary.rows, books))
        seen = {**frames, BOOKS: books} if past else frames
        allowed = ruled(self.settings.rule, proposed, self.rule.apply(proposed, seen, days, primary.judged))
        kept = wanted.select("symbol", "session", "score", "model_session")
        return primary.emitted(kept.with_columns(target_weight=allowed["weight"] + 0.0, reason=allowed["reason"]), sessions)


PLUGIN = Plugin(settings=RiskRuledSettings, make=RiskRuled)
