"""Alerts to people: routed by severity, de-duplicated, limited in number, without secrets."""

from ats_assets.alerts.alert import Alert, AlertSink, Severity
from ats_assets.alerts.alerts import AlertResult, Alerts
from ats_assets.alerts.deployed_alerts import open_alerts
from ats_assets.alerts.ledger import AlertLedger

__all__ = ["Alert", "AlertLedger", "AlertResult", "AlertSink", "Alerts", "Severity", "open_alerts"]
