"""Alerts of a deployment."""

from ats_assets.alerts.alerts import Alerts
from ats_assets.alerts.choosing import notifiers
from ats_assets.settings import Settings
from ats_assets.trade_state import open_trade_state


def open_alerts(settings: Settings) -> Alerts:
    """The alerts that the settings describe, remembered in the database of the trade state, which is opened at the first alert."""
    made = notifiers(settings.alerts, settings.plugins.folder, settings.storage.data)
    return Alerts(settings.alerts, lambda: open_trade_state(settings).engine, notifiers=made)
