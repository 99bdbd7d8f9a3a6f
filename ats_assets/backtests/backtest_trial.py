"""A backtest as a trial: recorded before it is made, with its returns when it is over."""

from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.settings import Settings
from ats_assets.storage.footer import Upstream
from ats_assets.trials import Trial, behind, digest_of, ledger_of, made_of_models, trial_series


class BacktestTrial:
    """What a backtest tries: its own settings and code, and those of all that led to its targets.

    Parameters
    ----------
    versions
        Of the code and the settings of its asset.
    sessions
        That are traded; the newest says what led to the targets.
    """

    def __init__(self, deployment: Deployment, versions: str, sessions: list[date]) -> None:
        upstream: Upstream = {"targets": {sessions[-1].isoformat(): ""}}
        led = behind(deployment, upstream)
        self._sessions = sessions
        self._ledger = deployment.of(ledger_of)
        self._trial = Trial(
            kind="backtest",
            name="backtest",
            tried=digest_of({"backtest": versions} | led),
            made_of=made_of_models(deployment, sessions[-1], [name for name in deployment.models if name in led]),
            measure="return",
            what=what_is_traded(deployment.settings),
        )

    def begin(self) -> None:
        """Record that it is tried."""
        self._ledger.begin(self._trial)

    def add(self, equity: pl.DataFrame) -> None:
        """Add its returns, of the sessions after the first."""
        values = equity.select("session", value=pl.col("equity") / pl.col("equity").shift(1) - 1.0)[1:]
        self._ledger.add(self._trial, trial_series(values["session"].to_list(), values["value"].to_list(), self._sessions[-1]))


def what_is_traded(settings: Settings) -> dict[str, Any]:
    """What a backtest trades, for people: what differs from the defaults."""
    sections = {"portfolio": settings.portfolio, "backtest": settings.backtest, "universe": settings.universe}
    told = {name: section.model_dump(mode="json", exclude_defaults=True) for name, section in sections.items()}
    return {"models": [*settings.models], "strategies": settings.strategies, "risk": settings.risk} | {
        name: own for name, own in told.items() if own
    }
