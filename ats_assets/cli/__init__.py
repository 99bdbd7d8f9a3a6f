"""The command line: `ats run`, `ats trade`, `ats orders`, `ats signals`, `ats report`, `ats features`, `ats leakcheck`, `ats explain`, `ats restatements`, `ats reproduce`, `ats stale`, `ats doctor`.

Data go to standard output, progress and messages to standard error. Exit status: 0 done; 1 refused, failed or a check says no; 2 wrong usage; 130 interrupted.
The commands import what they need when they are called, since the whole graph takes seconds to import.
"""

import getpass
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup
from typing_extensions import override

from ats_assets.errors import AtsError
from ats_assets.secrecy import guard_secrets, redacted
from ats_assets.settings import settings_file

__all__ = ["app", "main"]


class _Commands(TyperGroup):
    """Turns the system's own errors into one message and status 1; an unexpected one keeps its traceback."""

    @override
    def invoke(self, ctx: Any) -> Any:
        try:
            guard_secrets(settings_file().parent)
            return super().invoke(ctx)
        except AtsError as error:
            typer.echo(f"ats: {redacted(str(error))}", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("ats: interrupted", err=True)
            raise typer.Exit(130) from interrupt


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An autonomous trading system as a Dagster asset graph. Settings: ats.toml, or ATS_SECTION__FIELD in the environment.",
)


@app.command()
def run(  # noqa: PLR0917 - typer calls it by name
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First session; default: the source's first.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last session; default: the source's latest.")] = None,
    select: Annotated[
        str | None,
        typer.Option(metavar="SELECTION", help="Only these assets, in Dagster's selection syntax, such as '+signals' or group:bars."),
    ] = None,
    chunk: Annotated[
        int, typer.Option(min=1, metavar="N", help="Sessions in one Dagster run: more is faster and takes more memory.")
    ] = 126,
    summary_json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the summary as JSON; '-' is standard output.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show all that Dagster logs.")] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            help="From the deliveries known at this time, such as 2017-08-15T21:00 (UTC), 2017-08-15T17:00-04:00, or 2017-08-15, "
            "the end of that day in UTC; with --warehouse.",
        ),
    ] = None,
    warehouse: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Of --as-of: an empty folder, which will hold warehouse, models and data.")
    ] = None,
) -> None:
    """Make every asset over a range of sessions, from bars to signals, then the backtest and its report."""
    started = time.perf_counter()  # the imports are part of what the user waits for
    if (as_of is None) != (warehouse is None):
        raise typer.BadParameter("--as-of and --warehouse belong together: another time is made in another folder")
    from ats_assets.cli.run import AsOf  # noqa: PLC0415
    from ats_assets.cli.run import run as command  # noqa: PLC0415
    from ats_assets.cli.writing import required_time  # noqa: PLC0415

    world = AsOf(time=required_time(as_of, "--as-of"), folder=warehouse) if as_of is not None and warehouse is not None else None
    command(first=first, last=last, select=select, chunk=chunk, summary_json=summary_json, verbose=verbose, started=started, as_of=world)


@app.command()
def trade(
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First session; default: the one after the last traded.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last session; default: the newest with signals.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show all that Dagster logs.")] = False,
) -> None:
    """Settle the last orders, plan those for the next open, and send them to the broker of the settings, session by session."""
    from ats_assets.cli.trade import trade as command  # noqa: PLC0415
    from ats_assets.cli.writing import parse_day  # noqa: PLC0415

    command(first=parse_day(first, "--from"), last=parse_day(last, "--to"), verbose=verbose)


@app.command()
def signals(
    session: Annotated[
        str | None, typer.Option(metavar="DATE", help="The session after whose close they were made; default: the newest stored.")
    ] = None,
    form: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How they are written.")] = "table",
) -> None:
    """Show the signals for the next open."""
    from ats_assets.cli.signals import signals as command  # noqa: PLC0415

    command(session=session, form=form)


@app.command()
def report(
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Print the path of the backtest report; it is made from what is stored if it is not there."""
    from ats_assets.cli.report import report as command  # noqa: PLC0415

    command(open_it=open_it)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Check every byte of every file of the warehouse and the models, too.")] = False,
) -> None:
    """Check settings, source, warehouse and models, and say what to do."""
    from ats_assets.cli.doctor import doctor as command  # noqa: PLC0415

    command(as_json=as_json, deep=deep)


@app.command()
def leakcheck(  # noqa: PLR0917 - typer calls it by name
    subjects: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these, such as alpha158 or signals; default: all.")
    ] = None,
    function: Annotated[
        list[str] | None, typer.Option(metavar="MODULE:NAME", help="A function of your own: bars in, symbol, session and its columns out.")
    ] = None,
    sessions: Annotated[int, typer.Option(min=3, metavar="N", help="So many of the newest sessions are looked at.")] = 150,
    symbols: Annotated[int, typer.Option(min=1, metavar="N", help="So many symbols.")] = 20,
    draws: Annotated[int, typer.Option(min=1, metavar="N", help="After how many sessions the future is changed.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Change data after random sessions, and name every feature, label, model or signal whose earlier rows move."""
    from ats_assets.cli.leakcheck import leakcheck as command  # noqa: PLC0415

    command(functions=function or [], only=subjects or [], sessions=sessions, symbols=symbols, draws=draws, as_json=as_json)


@app.command()
def explain(
    symbol: Annotated[str, typer.Argument(help="Of the signal.")],
    session: Annotated[str, typer.Argument(metavar="DATE", help="The session after whose close the signal was made.")],
    order: Annotated[bool, typer.Option("--order", help="Explain the order that was decided at that close, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every partition that was read.")] = False,
) -> None:
    """Explain a signal, or an order: its model, what that was trained on, features, bars and deliveries, with versions and files."""
    from ats_assets.cli.explain import explain as command  # noqa: PLC0415
    from ats_assets.cli.writing import required_day  # noqa: PLC0415

    command(symbol=symbol, session=required_day(session, "DATE"), as_json=as_json, order=order)


@app.command()
def restatements(
    *,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First session; default: the first stored.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last session; default: the newest stored.")] = None,
    effects: Annotated[
        bool, typer.Option("--effects", help="Make everything from the vintages before, too, and compare the signals and the backtest.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Make the strategy under the other kind of knowledge, too: how much of its return nobody could have had."
        ),
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Of --effects and --compare: an empty folder that keeps what is made; default: a temporary one."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what a vendor changed in the sessions that it delivered anew: symbols, fields, sizes, probable splits; and what came of it."""
    from ats_assets.cli.restatements import restatements as command  # noqa: PLC0415
    from ats_assets.cli.writing import parse_day  # noqa: PLC0415

    span = {"first": parse_day(first, "--from"), "last": parse_day(last, "--to")}
    command(**span, as_json=as_json, with_effects=effects, folder=folder, compare=compare)


@app.command()
def reproduce(
    asset: Annotated[str, typer.Argument(help="Such as signals or backtest.")],
    sessions: Annotated[list[str] | None, typer.Argument(metavar="[DATE]...", help="One or several sessions; none for a backtest.")] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An empty folder that keeps what is made; default: a temporary one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Make partitions and all behind them again in an empty folder, from the raw vintages, and compare the bytes."""
    from ats_assets.cli.reproduce import reproduce as command  # noqa: PLC0415
    from ats_assets.cli.writing import required_day  # noqa: PLC0415

    command(asset=asset, sessions=[required_day(day, "DATE") for day in sessions or []], folder=folder, as_json=as_json)


@app.command()
def stale(  # noqa: PLR0917 - typer calls it by name
    as_json: Annotated[bool, typer.Option("--json", help="As JSON: a list of objects with asset, session, reason.")] = False,
    heal: Annotated[bool, typer.Option("--heal", help="Make them again, in order, and what turns out to depend on them.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Look at the time and size of every file, not only of those written since the last look.")
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Look at every byte of every file first.")] = False,
    source: Annotated[bool, typer.Option("--source", help="Ask the source, too, whether it delivers another content now.")] = False,
    chunk: Annotated[int, typer.Option(min=1, metavar="N", help="Sessions in one Dagster run.")] = 126,
) -> None:
    """List the partitions whose upstream data, code or settings changed since they were made."""
    from ats_assets.cli.stale import stale as command  # noqa: PLC0415

    command(as_json=as_json, heal=heal, full=full, deep=deep, source=source, chunk=chunk)


orders = typer.Typer(no_args_is_help=True, help="Where trading stands, and how it goes on after a halt.")
app.add_typer(orders, name="orders")


@orders.command("status")
def orders_status(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Show the account, positions, open orders, and what stops trading."""
    from ats_assets.cli.orders import status as command  # noqa: PLC0415

    command(as_json=as_json)


@orders.command("report")
def orders_report(open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False) -> None:
    """Write the report of execution quality as one HTML file, and print its path."""
    from ats_assets.cli.orders import report as command  # noqa: PLC0415

    command(open_it=open_it)


@orders.command("resume")
def orders_resume(
    who: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who says so, for the audit trail; default: the user of this machine.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="What was seen to, for the audit trail.")] = "",
    accept: Annotated[
        bool, typer.Option("--accept", help="Take the broker's account as it is for the truth, from which all is counted on.")
    ] = False,
) -> None:
    """Let trading go on after a halt. What still differs from the broker halts it again, unless it is accepted."""
    from ats_assets.cli.orders import resume as command  # noqa: PLC0415

    command(who=who or getpass.getuser(), note=note, accept=accept)


@orders.command("break-lease")
def orders_break_lease(
    who: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who says so, for the audit trail; default: the user of this machine.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit trail.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Also where the holder is alive, or may be.")] = False,
) -> None:
    """Take the lease away from an executor that is gone, such as one whose clock was ahead; refused while its holder shows life."""
    from ats_assets.cli.orders import break_lease as command  # noqa: PLC0415

    command(who=who or getpass.getuser(), note=note, force=force)


@orders.command("watch")
def orders_watch(
    every: Annotated[float, typer.Option(min=10, metavar="SECONDS", help="Reconcile after so many seconds without an event, too.")] = 300,
) -> None:
    """Follow the broker's order events, and record and tell each fill when it happens. It runs until SIGTERM or Ctrl-C."""
    from ats_assets.cli.orders import watch as command  # noqa: PLC0415

    command(every=every)


features = typer.Typer(no_args_is_help=True, help="The registry of factors, and what an expression needs.")
app.add_typer(features, name="features")
Form = Annotated[Literal["table", "json"], typer.Option("--format", help="How it is written.")]


@features.command("list")
def features_list(
    family: Annotated[str | None, typer.Option(metavar="NAME", help="Only this family; default: all that there are.")] = None,
    form: Form = "table",
) -> None:
    """List the factors: name, family, look-back in sessions, what it is."""
    from ats_assets.cli.features import list_features  # noqa: PLC0415

    list_features(family=family, form=form)


@features.command("show")
def features_show(
    name: Annotated[str, typer.Argument(help="A factor, or FAMILY.FACTOR where several families have one of that name.")],
    form: Form = "table",
) -> None:
    """Show a factor: its expression, and what this needs."""
    from ats_assets.cli.features import show_feature  # noqa: PLC0415

    show_feature(name=name, form=form)


@features.command("check", context_settings={"ignore_unknown_options": True})  # an expression may begin with a minus sign
def features_check(
    expression: Annotated[str, typer.Argument(help="Such as 'Mean($close, 5) / $close', in quotes.")],
    form: Form = "table",
) -> None:
    """Check an expression: its look-back, fields and operators; an error points at the place."""
    from ats_assets.cli.features import check_expression  # noqa: PLC0415

    check_expression(expression=expression, form=form)


alerts = typer.Typer(no_args_is_help=True, help="Who hears of failures, late data and orders.")
app.add_typer(alerts, name="alerts")


@alerts.callback()
def alerts_group() -> None:
    """Who hears of failures, late data and orders."""


@alerts.command("test")
def alerts_test() -> None:
    """Send a test message over each route of alerts.routes, and say what came of it."""
    from ats_assets.cli.alerts import send_test  # noqa: PLC0415

    send_test()


def main() -> None:
    """The entry point `ats`."""
    app(prog_name="ats")
