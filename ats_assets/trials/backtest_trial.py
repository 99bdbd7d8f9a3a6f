"""A backtest as a trial: recorded before it is made, with its returns when it is over."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.trials.ensemble_trial import WEIGHTS
from ats_assets.trials.trial_ledger import Trial, trial_series
from ats_assets.trials.what_was_tried import behind, declared, digest_of, ledger_of


class BacktestTrial:
    """What a backtest tries: its own settings and code, and those of all that led to what it trades.

    Parameters
    ----------
    asset
        The backtest's.
    traded
        The asset that it trades.
    what
        It trades, for people.
    """

    def __init__(self, deployment: Deployment, asset: str, *, traded: str, what: Mapping[str, Any]) -> None:
        led = behind(deployment, [traded])
        parts = {name: digest_of(behind(deployment, [name])) for name in (*deployment.models, WEIGHTS) if name in led}
        rivals = [name for name in parts if name in {*deployment.daily_models, WEIGHTS}]
        self._ledger = deployment.of(ledger_of)
        self._trial = Trial(
            kind="backtest",
            name=asset,
            tried=digest_of({asset: deployment.of(declared)[asset].made_by} | led),
            made_of=tuple(sorted(parts.values())),
            chosen_from=tuple(sorted(parts[name] for name in rivals)) if len(rivals) > 1 else (),
            measure="return",
            what=what,
        )

    def begin(self) -> None:
        """Record that it is tried."""
        self._ledger.begin(self._trial)

    def add(self, sessions: Sequence[date], returns: Sequence[float | None]) -> None:
        """Add its returns after costs."""
        if sessions:
            self._ledger.add(self._trial, trial_series(sessions, returns, sessions[-1]))
