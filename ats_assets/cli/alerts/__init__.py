"""`ats alerts`: who hears of what."""

import typer

__all__ = ["app"]

app = typer.Typer(name="alerts", no_args_is_help=True, help="Check the alert routes.")


@app.callback()
def alerts_group() -> None:
    """Check the alert routes."""


@app.command("test")
def alerts_test() -> None:
    """Send a test message over each route in alerts.routes, and report whether it was delivered."""
    from ats_assets.cli.alerts.test import send_test  # noqa: PLC0415

    send_test()
