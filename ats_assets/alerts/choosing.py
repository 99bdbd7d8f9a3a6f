"""The notifiers of the routes: what `kind` of each says, with its own settings beside it."""

from collections.abc import Mapping
from pathlib import Path

from ats_assets.alerts.notifier import Notifier
from ats_assets.plugins import NOTIFIERS
from ats_assets.settings import AlertsSettings


def notifiers(settings: AlertsSettings, folder: Path | None = None, data: Path = Path("data")) -> Mapping[str, Notifier]:
    """The notifiers by the name of their route.

    Parameters
    ----------
    folder
        Of one's own notifiers, `plugins.folder`.
    data
        The folder `storage.data`, for those that write files.

    Raises
    ------
    SettingsError
        If a route's kind is no notifier, or that refuses one of its settings.
    """
    return {
        name: NOTIFIERS.made(route.kind, route.own, folder, f"alerts.routes.{name}", name, data) for name, route in settings.routes.items()
    }
