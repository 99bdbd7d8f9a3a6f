"""What the brake leaves of a session's targets, by the account as it was recorded; the backtest asks the same function."""

from bisect import bisect_left
from datetime import UTC, date, datetime

import numpy as np

from ats_assets.alerts import Alert, Severity
from ats_assets.deployment import Deployment
from ats_assets.execution.order import EntryKind
from ats_assets.execution.trading import open_trading
from ats_assets.portfolio.drawdown_brake import exposure_factor
from ats_assets.portfolio.kernel_settings import brake_rules


def exposure_after_losses(deployment: Deployment, session: date) -> float:
    """How much of the targets is held after a session, from 0 to 1; where it is less than all an alert says so.

    Deposits and withdrawals are asked of the broker: the account has not earned them.
    """
    settings = deployment.settings.orders.brake
    if not settings.is_on:
        return 1.0
    recorded = [day for day in deployment.valid_sessions("account") if day <= session][-settings.peak_sessions :]
    account = deployment.warehouse.read("account", recorded, ["session", "equity", "at"]).sort("session")
    with open_trading(deployment) as trading:
        paid_in = np.zeros(account.height)
        if account.height > 1:
            moments = account["at"].to_list()
            for entry in trading.broker.entries(moments[0]):
                place = bisect_left(moments, entry.at)  # what came until the account was asked is in its equity
                if entry.kind is EntryKind.TRANSFER and 0 < place < len(moments):
                    paid_in[place] += float(entry.cash)
        exposure = float(exposure_factor(account["equity"].to_numpy(), paid_in, brake_rules(settings)))
        if exposure < 1.0:
            text = f"The account's losses leave {exposure:.1%} of the targets, by orders.brake: drawdown and session losses of the last {len(recorded)} sessions."
            trading.alert(
                Alert(
                    key=f"brake:{session}",
                    severity=Severity.WARNING,
                    title=f"The brake is on after {session}",
                    text=text,
                    at=datetime.now(UTC),
                )
            )
    return exposure
