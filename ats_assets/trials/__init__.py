"""What was tried: every fit, cross-validation, tuning trial, ensemble and backtest that the graph makes, recorded by what makes it, so that nobody has to remember how many there were."""

from ats_assets.trials.backtest_trial import BacktestTrial
from ats_assets.trials.ensemble_trial import EnsembleTrial
from ats_assets.trials.fit_trial import FitTrial
from ats_assets.trials.trial_ledger import RecordedTrial, Trial, TrialLedger, trial_series
from ats_assets.trials.tuning_trial import TuningTrial
from ats_assets.trials.what_was_tried import behind, copy_ledger, declare, digest_of, ledger_of

__all__ = [
    "BacktestTrial",
    "EnsembleTrial",
    "FitTrial",
    "RecordedTrial",
    "Trial",
    "TrialLedger",
    "TuningTrial",
    "behind",
    "copy_ledger",
    "declare",
    "digest_of",
    "ledger_of",
    "trial_series",
]
