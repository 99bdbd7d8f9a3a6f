"""`ats orders`: the state of trading, how to resume it after a halt, and what follows the broker's events."""

import getpass
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    name="orders", no_args_is_help=True, help="Show orders and positions, resume trading after a halt, follow the broker's order events."
)


@app.command("status")
def orders_status(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Show the account, positions, open orders, and why trading is stopped, if it is."""
    from ats_assets.cli.orders.status import status as command  # noqa: PLC0415

    command(as_json=as_json)


@app.command("report")
def orders_report(open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False) -> None:
    """Write the execution quality report as an HTML file, and print its path."""
    from ats_assets.cli.orders.report import report as command  # noqa: PLC0415

    command(open_it=open_it)


@app.command("resume")
def orders_resume(
    who: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who does this, for the audit trail. Default: the user of this machine.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="What was found and fixed, for the audit trail.")] = "",
    accept: Annotated[
        bool, typer.Option("--accept", help="Accept the broker's positions and cash as correct, as the new baseline for reconciliation.")
    ] = False,
) -> None:
    """Resume trading after a halt. Any difference that remains between our records and the broker halts it again, unless --accept is given."""
    from ats_assets.cli.orders.resume import resume as command  # noqa: PLC0415

    command(who=who or getpass.getuser(), note=note, accept=accept)


@app.command("break-lease")
def orders_break_lease(
    who: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who does this, for the audit trail. Default: the user of this machine.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the audit trail.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Break it even if its holder is, or may be, alive.")] = False,
) -> None:
    """Break the lease of an executor that is gone, so that another can send orders. Refused while the holder shows signs of life."""
    from ats_assets.cli.orders.break_lease import break_lease as command  # noqa: PLC0415

    command(who=who or getpass.getuser(), note=note, force=force)


@app.command("watch")
def orders_watch(
    every: Annotated[float, typer.Option(min=10, metavar="SECONDS", help="Also reconcile after this many seconds without an event.")] = 300,
) -> None:
    """Follow the broker's order events; record each fill and send its alert as it happens. Runs until SIGTERM or Ctrl-C."""
    from ats_assets.cli.orders.watch import watch as command  # noqa: PLC0415

    command(every=every)


@app.command("desk")
def orders_desk() -> None:
    """Take up what people ask for through the service or a bot: halts, orders on paper, promotions. Runs until SIGTERM or Ctrl-C."""
    from ats_assets.cli.orders.desk import desk as command  # noqa: PLC0415

    command()
