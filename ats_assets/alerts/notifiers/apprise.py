"""Slack, Discord, Telegram, mail and many more, through Apprise. The route is named after the environment variable that holds its address."""

import logging
import os

from ats_assets.alerts.alert import Severity
from ats_assets.alerts.notifier import Message
from ats_assets.plugins import Plugin
from ats_assets.secrecy import redacted
from ats_assets.settings import Section

TIMEOUT_SECONDS = 20.0


class AppriseSettings(Section):
    """It has none of its own: the address says all."""


class Apprise:
    """One address.

    Parameters
    ----------
    route
        The environment variable that holds it.
    """

    def __init__(self, _own: AppriseSettings, route: str, _data: object = None) -> None:
        self._route = route

    @property
    def secrets(self) -> tuple[str, ...]:
        """The address."""
        return (self._route,)

    def deliver(self, message: Message) -> str | None:
        """Send a message to the address. None where it was taken, else what is wrong, without the address."""
        address = os.environ.get(self._route, "").strip()
        if not address:
            return f"the environment variable {self._route} is not set"
        import apprise  # noqa: PLC0415 - a second

        # Its own log repeats what is returned here, and says more at lower levels.
        logging.getLogger(apprise.LOGGER_NAME).setLevel(logging.CRITICAL + 1)
        sender = apprise.Apprise(asset=apprise.AppriseAsset(app_id="ATS Assets", app_desc="ATS Assets", storage_mode="memory"))
        if not sender.add(address):
            return f"the value of {self._route} is no address that Apprise knows, such as slack://… or mailto://…"
        kinds = {
            Severity.INFO: apprise.NotifyType.INFO,
            Severity.WARNING: apprise.NotifyType.WARNING,
            Severity.CRITICAL: apprise.NotifyType.FAILURE,
        }
        result = sender.notify(
            body=message.text,
            title=message.title,
            notify_type=kinds[message.severity],
            body_format=apprise.NotifyFormat.TEXT,
            timeout=TIMEOUT_SECONDS,
        )
        if result:
            return None
        said = " ".join(str(entry.message).strip() for entry in result.logs())
        return redacted(f"the service did not take it: {said or result.status.name.lower()}").splitlines()[0]


PLUGIN = Plugin(settings=AppriseSettings, make=Apprise)
