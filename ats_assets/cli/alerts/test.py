"""`ats alerts test`: a test message over each route, and whether it was delivered."""

from datetime import UTC, datetime

import typer
from rich.table import Table
from rich.text import Text

from ats_assets.alerts import Severity
from ats_assets.alerts.choosing import notifiers
from ats_assets.alerts.notifier import Message
from ats_assets.errors import SettingsError
from ats_assets.runs.writing import console, write_table
from ats_assets.settings import load_settings


def send_test() -> None:
    """Send a test message over each route, ignoring rate limits and the record of sent alerts; status 1 if one is not delivered.

    Raises
    ------
    SettingsError
        If there are no routes.
    """
    settings = load_settings()
    routes = settings.alerts.routes
    if not routes:
        raise SettingsError('alerts.routes names no route: write [alerts] routes = {SLACK_URL = "warning"}, and set SLACK_URL in .env')
    table = Table("route", "gets", "outcome", box=None, padding=(0, 2, 0, 0))
    failed = False
    for route, notifier in sorted(notifiers(settings.alerts, settings.plugins.folder, settings.storage.data).items()):
        least = routes[route].severity
        text = f"The route {route} works: it gets alerts of severity {least} and above."
        fault = notifier.deliver(Message(severity=Severity.INFO, title="Test of ATS Assets", text=text, at=datetime.now(UTC)))
        failed |= fault is not None
        table.add_row(route, least, Text("delivered" if fault is None else fault))
    write_table(console(), table)
    if failed:
        raise typer.Exit(1)
