"""One message to one address, through Apprise."""

import logging
import os

from ats_assets.alerts.alert import Severity
from ats_assets.secrecy import redacted

TIMEOUT_SECONDS = 20.0


def deliver(route: str, severity: Severity, title: str, text: str) -> str | None:
    """Send a message to the address that the environment variable `route` holds. None where it was taken, else what is wrong, without the address."""
    address = os.environ.get(route, "").strip()
    if not address:
        return f"the environment variable {route} is not set"
    import apprise  # noqa: PLC0415 - a second

    logging.getLogger(apprise.LOGGER_NAME).setLevel(logging.CRITICAL + 1)  # it says what is said here, and at lower levels more than that
    sender = apprise.Apprise(asset=apprise.AppriseAsset(app_id="ATS Assets", app_desc="ATS Assets", storage_mode="memory"))
    if not sender.add(address):
        return f"the value of {route} is no address that Apprise knows, such as slack://… or mailto://…"
    kinds = {
        Severity.INFO: apprise.NotifyType.INFO,
        Severity.WARNING: apprise.NotifyType.WARNING,
        Severity.CRITICAL: apprise.NotifyType.FAILURE,
    }
    result = sender.notify(
        body=text, title=title, notify_type=kinds[severity], body_format=apprise.NotifyFormat.TEXT, timeout=TIMEOUT_SECONDS
    )
    if result:
        return None
    said = " ".join(str(entry.message).strip() for entry in result.logs())
    return redacted(f"the service did not take it: {said or result.status.name.lower()}").splitlines()[0]
