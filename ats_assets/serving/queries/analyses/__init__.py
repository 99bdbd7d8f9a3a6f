"""What is stored beside backtests and models to judge them by, each with the setting or command that makes it where it is not there."""

from collections.abc import Mapping

from ats_assets.serving.queries.analyses.analysis import Analysis, AnalysisFound, analysed
from ats_assets.serving.queries.analyses.of_backtests import (
    active_return,
    knowledge,
    monte_carlo,
    performance_by_regime,
    segments,
    strategy_performance,
)
from ats_assets.serving.queries.analyses.of_data import gaps_of_bars, quarantined_rows
from ats_assets.serving.queries.analyses.of_models import cross_validation, drift, importance, judged_skill

ANALYSES: Mapping[str, Analysis] = {
    "segments": Analysis(title="Walk-forward segments", what_to_do="Judge the models' scores: ats run", make=segments),
    "regimes": Analysis(
        title="Performance by regime",
        what_to_do="Name regimes in the settings, such as a table [regimes.market], then: ats run",
        make=performance_by_regime,
    ),
    "knowledge": Analysis(
        title="Point in time against restated", what_to_do="Compare both kinds: ats restatements --compare", make=knowledge
    ),
    "monte-carlo": Analysis(
        title="What the backtest could have come to",
        what_to_do="Add a table [monte_carlo] to the settings, then: ats run",
        make=monte_carlo,
    ),
    "active-return": Analysis(
        title="Return over the universe",
        what_to_do='Add a table [active_return] with groups to the settings, such as groups = { energy = ["XOM"] }, then: ats run',
        make=active_return,
    ),
    "strategies": Analysis(
        title="Performance by strategy and model",
        what_to_do="Give several strategies capital in the settings, or set books.enabled = true, then: ats run",
        make=strategy_performance,
    ),
    "cross-validation": Analysis(
        title="Cross-validation", what_to_do='Set cross_validation.kind, such as "walk_forward", then: ats run', make=cross_validation
    ),
    "skill": Analysis(title="Skill of the scores", what_to_do="Judge the models' scores: ats run", make=judged_skill),
    "drift": Analysis(title="Drift", what_to_do="Add a table [drift] to the settings, then: ats run", make=drift),
    "importance": Analysis(title="Importance of features", what_to_do="Fit a model: ats run", make=importance),
    "quarantine": Analysis(title="Quarantined rows", what_to_do="Check the deliveries: ats run", make=quarantined_rows),
    "bar-gaps": Analysis(title="Gaps of bars", what_to_do="Set bars.gap_sessions, such as 5, then: ats run", make=gaps_of_bars),
}
"""Name -> what it is. A new one is a line here and in the routes' list of names."""

__all__ = ["ANALYSES", "Analysis", "AnalysisFound", "analysed"]
