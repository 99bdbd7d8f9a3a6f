"""The command line: `ats init`, `ats config`, `ats run`, `ats status`, `ats start`, `ats stop`, `ats exporter`, `ats trade`, `ats orders`, `ats signals`, `ats predict`, `ats models`, `ats report`, `ats experiment`, `ats features`, `ats sources`, `ats leakcheck`, `ats explain`, `ats restatements`, `ats reproduce`, `ats stale`, `ats drift`, `ats trials`, `ats sql`, `ats exports`, `ats serve`, `ats backup`, `ats restore`, `ats bots`, `ats doctor`.

Data go to standard output, progress and messages to standard error. Exit status: 0 success; 1 refused, failed, or a problem was found; 2 wrong usage; 130 interrupted. Commands import what they need when they are called: the whole graph takes seconds.
"""

import contextlib
import importlib.metadata
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup
from typing_extensions import override

from ats_assets.cli.alerts import app as alerts
from ats_assets.cli.backup import backup
from ats_assets.cli.bots import app as bots
from ats_assets.cli.config import app as config
from ats_assets.cli.drift import drift
from ats_assets.cli.experiment import app as experiment
from ats_assets.cli.exporter import exporter
from ats_assets.cli.exports import app as exports
from ats_assets.cli.features import app as features
from ats_assets.cli.init import init
from ats_assets.cli.models import app as models
from ats_assets.cli.orders import app as orders
from ats_assets.cli.predict import predict
from ats_assets.cli.restore import restore
from ats_assets.cli.serve import app as serve
from ats_assets.cli.signals import signals
from ats_assets.cli.sources import app as sources
from ats_assets.cli.start import start
from ats_assets.cli.status import status
from ats_assets.cli.stop import stop
from ats_assets.cli.trade import app as trade
from ats_assets.cli.trials import trials
from ats_assets.cli.up import up
from ats_assets.errors import AtsError
from ats_assets.runs.completing import collect_nothing_to_complete, signal_symbols, stored_assets
from ats_assets.runs.library_diagnosis import told_ending
from ats_assets.secrecy import guard_secrets, redacted
from ats_assets.storage.quick_end import collect_rarely, end_quickly


class _Commands(TyperGroup):
    """Turns the system's own errors into one message and status 1; an unexpected one keeps its traceback."""

    @override
    def invoke(self, ctx: Any) -> Any:
        try:
            with _prepared():
                return super().invoke(ctx)
        except (AtsError, ImportError) as error:
            typer.echo(f"ats: {redacted(told_ending(error))}", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("ats: interrupted", err=True)
            raise typer.Exit(130) from interrupt


def _prepared() -> "contextlib.AbstractContextManager[None]":
    """Hide secrets, and log as the settings say; where they are wrong, the command itself says so, if it needs them."""
    from ats_assets.monitoring.structured_logs import logs_configured  # noqa: PLC0415 - neither --help nor the Tab key waits for all sections
    from ats_assets.settings import load_settings, settings_file  # noqa: PLC0415

    guard_secrets(settings_file().parent)
    with contextlib.suppress(AtsError):
        return logs_configured(load_settings().logging)
    return contextlib.nullcontext()


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run an autonomous trading system as a Dagster asset graph. Settings come from ats.toml; ATS_SECTION__FIELD in the environment overrides them.",
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ats {importlib.metadata.version('ats-assets')}")
        raise typer.Exit


def _starts(command: str) -> None:  # it first imports the graph for seconds: that is said at once
    from ats_assets.settings import settings_file  # noqa: PLC0415

    collect_rarely()
    typer.echo(f"ats {command}: loading the graph, with the settings of {settings_file()}", err=True)


@app.callback()
def ats(
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    """Options before the name of a command."""


@app.command()
def run(  # noqa: PLR0917 - typer calls it by name
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First session to make. Default: the first one of the source.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last session to make. Default: the latest one of the source.")
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(metavar="SELECTION", help="Make only these assets, in Dagster's selection syntax, such as '+signals' or group:bars."),
    ] = None,
    chunk: Annotated[int, typer.Option(min=1, metavar="N", help="Sessions per Dagster run. More is faster and needs more memory.")] = 126,
    summary_json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the summary as JSON; '-' writes it to standard output instead.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Dagster's full log.")] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            help="Use only deliveries known at this time: 2017-08-15T21:00 (UTC), 2017-08-15T17:00-04:00, or 2017-08-15 "
            "(the end of that day in UTC). Needs --warehouse.",
        ),
    ] = None,
    warehouse: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For --as-of: an empty folder for the warehouse, models and data.")
    ] = None,
    on: Annotated[str | None, typer.Option(metavar="WORKERS", help="Have workers do what is arithmetic: processes, ray or celery.")] = None,
) -> None:
    """Run the graph over a range of sessions: bars, features, labels, models, signals, backtest and report."""
    started = time.perf_counter()  # the imports are part of what the user waits for
    if (as_of is None) != (warehouse is None):
        raise typer.BadParameter("--as-of and --warehouse go together: results as of another time are stored in a folder of their own")
    _starts("run")
    from ats_assets.cli.run import run as command  # noqa: PLC0415

    world = (as_of, warehouse) if as_of is not None and warehouse is not None else None
    how = {"chunk": chunk, "summary_json": summary_json, "verbose": verbose, "started": started, "workers": on}
    command(first=first, last=last, select=select, world=world, **how)


@app.command()
def report(
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write it as a PDF. Needs the extra pdf.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write every figure of it as JSON.")] = None,
) -> None:
    """Print the path of the backtest report. It is built from the stored data if it does not exist."""
    from ats_assets.cli.report import report as command  # noqa: PLC0415

    command(open_it=open_it, pdf=pdf, as_json=as_json)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Also verify every byte of every file in the warehouse and the models.")] = False,
    with_settings: Annotated[bool, typer.Option("--settings", help="Also show the settings in use; JSON always has them.")] = False,
) -> None:
    """Check settings, data source, warehouse and models, and say how to fix what is wrong."""
    from ats_assets.cli.doctor import doctor as command  # noqa: PLC0415

    command(as_json=as_json, deep=deep, with_settings=with_settings)


@app.command()
def leakcheck(  # noqa: PLR0917 - typer calls it by name
    subjects: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="What to check, such as alpha158 or signals. Default: everything.", autocompletion=stored_assets
        ),
    ] = None,
    function: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:NAME", help="Check a function of your own: it takes bars and returns symbol, session and its columns."
        ),
    ] = None,
    sessions: Annotated[int, typer.Option(min=3, metavar="N", help="How many of the newest sessions to use.")] = 150,
    symbols: Annotated[int, typer.Option(min=1, metavar="N", help="How many symbols to use.")] = 20,
    draws: Annotated[int, typer.Option(min=1, metavar="N", help="At how many sessions to change the data that comes after.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Check for look-ahead bias: change data after random sessions, and report every feature, label, model or signal that changes before them."""
    from ats_assets.cli.leakcheck import leakcheck as command  # noqa: PLC0415

    command(functions=function or [], only=subjects or [], sessions=sessions, symbols=symbols, draws=draws, as_json=as_json)


@app.command()
def explain(
    symbol: Annotated[str, typer.Argument(help="The symbol of the signal.", autocompletion=signal_symbols)],
    session: Annotated[str, typer.Argument(metavar="DATE", help="The session whose close the signal was made after.")],
    order: Annotated[bool, typer.Option("--order", help="Explain the order planned at that close, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, with every partition that was read.")] = False,
) -> None:
    """Trace a signal or an order back to its model, training data, features, bars and deliveries, with versions and files."""
    from ats_assets.cli.explain import explain as command  # noqa: PLC0415
    from ats_assets.runs.writing import required_day  # noqa: PLC0415

    command(symbol=symbol, session=required_day(session, "DATE"), as_json=as_json, order=order)


@app.command()
def restatements(
    *,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First session. Default: the first stored.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last session. Default: the newest stored.")] = None,
    effects: Annotated[
        bool, typer.Option("--effects", help="Also rebuild everything from the previous vintages, and compare signals and backtest.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Also rebuild the strategy under the other knowledge mode, and report how much of its return is hindsight."
        ),
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="For --effects and --compare: an empty folder to keep the results in. Default: a temporary one."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show what vendors restated, by symbol and field, with probable splits; optionally the effect on signals and backtest."""
    from ats_assets.cli.restatements import restatements as command  # noqa: PLC0415
    from ats_assets.runs.writing import parse_day  # noqa: PLC0415

    how = {"first": parse_day(first, "--from"), "last": parse_day(last, "--to"), "as_json": as_json}
    command(**how, with_effects=effects, folder=folder, compare=compare)


@app.command()
def reproduce(
    asset: Annotated[str, typer.Argument(help="The asset to rebuild, such as signals or backtest.", autocompletion=stored_assets)],
    sessions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATE]...", help="One or more sessions. None for an asset without sessions, such as backtest."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An empty folder to keep the results in. Default: a temporary one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Rebuild partitions and everything upstream in an empty folder, from the raw vintages, and compare the bytes."""
    from ats_assets.cli.reproduce import reproduce as command  # noqa: PLC0415
    from ats_assets.runs.writing import required_day  # noqa: PLC0415

    command(asset=asset, sessions=[required_day(day, "DATE") for day in sessions or []], folder=folder, as_json=as_json)


@app.command()
def stale(  # noqa: PLR0917 - typer calls it by name
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON: a list of objects with asset, session and reason.")] = False,
    heal: Annotated[bool, typer.Option("--heal", help="Rebuild them in order, with whatever changes downstream.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Check the time and size of every file, not only of those written since the last check.")
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Verify every byte of every file first.")] = False,
    source: Annotated[bool, typer.Option("--source", help="Also ask the source whether its data has changed.")] = False,
    chunk: Annotated[int, typer.Option(min=1, metavar="N", help="Sessions per Dagster run.")] = 126,
) -> None:
    """List partitions whose upstream data, code or settings have changed since they were made; --heal rebuilds them."""
    from ats_assets.cli.stale import stale as command  # noqa: PLC0415

    command(as_json=as_json, heal=heal, full=full, deep=deep, source=source, chunk=chunk)


@app.command()
def sql(
    query: Annotated[str | None, typer.Argument(metavar="[SELECT]", help="The query in quotes. Without one: list the tables.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="Read only what was known at this time: 2017-08-15T21:00 (UTC) or 2017-08-15."),
    ] = None,
    form: Annotated[Literal["table", "csv", "json", "parquet"], typer.Option("--format", help="Output format.")] = "table",
    limit: Annotated[int | None, typer.Option(min=0, metavar="N", help="Rows at most; 0: all. Default: 50 as a table, else all.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to a file instead of standard output.")] = None,
) -> None:
    """Query the warehouse in SQL, read-only: each asset is a table, such as bars or signals."""
    from ats_assets.cli.sql import sql as command  # noqa: PLC0415
    from ats_assets.runs.writing import required_time  # noqa: PLC0415

    command(query=query, as_of=required_time(as_of, "--as-of") if as_of else None, form=form, limit=limit, output=output)


for _command in (init, signals, drift, predict, trials, status, start, stop, exporter, backup, restore, up):
    app.command()(_command)
for _group in (config, trade, orders, features, models, sources, experiment, exports, alerts, serve, bots):
    app.add_typer(_group)


def main() -> None:
    """The entry point `ats`."""
    collect_nothing_to_complete()
    end_quickly()
    app(prog_name="ats")
