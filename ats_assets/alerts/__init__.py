"""Alerts to people: routed by severity, de-duplicated, limited in number, without secrets."""

from ats_assets.alerts.alert import Alert, AlertSink, Severity
from ats_assets.alerts.alerts import AlertResult, Alerts
from ats_assets.alerts.ledger import AlertLedger
from ats_assets.alerts.opening import open_alerts

__all__ = ["Alert", "AlertLedger", "AlertResult", "AlertSink", "Alerts", "Severity", "open_alerts"]
