"""A backtest as a trial: recorded before it is made, with its returns when it is over."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.trials.trial_ledger import Trial, trial_series
from ats_assets.trials.what_was_tried import behind, digest_of, ledger_of, made_of_models


class BacktestTrial:
    """What a backtest tries: its own settings and code, and those of all that led to what it trades.

    Parameters
    ----------
    asset
        The backtest's.
    versions
        Of its code and settings, as `made_by` has them.
    traded
        The asset that it trades.
    sessions
        That are traded; the newest says what led to it.
    what
        It trades, for people.
    """

    def __init__(
        self, deployment: Deployment, asset: str, *, versions: str, traded: str, sessions: Sequence[date], what: Mapping[str, Any]
    ) -> None:
        led = behind(deployment, {traded: {sessions[-1].isoformat(): ""}})
        self._as_of = sessions[-1]
        self._ledger = deployment.of(ledger_of)
        self._trial = Trial(
            kind="backtest",
            name=asset,
            tried=digest_of({asset: versions} | led),
            made_of=made_of_models(deployment, sessions[-1], [name for name in deployment.models if name in led]),
            measure="return",
            what=what,
        )

    def begin(self) -> None:
        """Record that it is tried."""
        self._ledger.begin(self._trial)

    def add(self, sessions: Sequence[date], returns: Sequence[float | None]) -> None:
        """Add its returns after costs."""
        self._ledger.add(self._trial, trial_series(sessions, returns, self._as_of))
