"""`ats sources`: a look at data before any run, and at the vendors that were asked for it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ats_assets.errors import SourceError

__all__ = ["app"]

app = typer.Typer(name="sources", no_args_is_help=True, help="Look at data files before any run, and at the vendors that were asked.")


@app.callback()
def sources() -> None:
    """Look at data files before any run, and at the vendors that were asked."""


@app.command("inspect")
def sources_inspect(
    path: Annotated[Path, typer.Argument(help="A file or folder of daily bars, of ticks or of option chains.")],
    *,
    rows: Annotated[int, typer.Option(min=0, metavar="N", help="How many of the first rows to show.")] = 5,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Try a setting of \\[source.files], such as date_format=%d/%m/%Y or symbol=AAPL. Repeatable.",
        ),
    ] = None,
    ticks: Annotated[
        Literal["trades", "quotes"] | None,
        typer.Option(
            "--ticks", help="Read it as trades or quotes; --set then tries settings of \\[intraday.trades] or \\[intraday.quotes]."
        ),
    ] = None,
    chains: Annotated[
        bool, typer.Option("--chains", help="Read it as option chains; --set then tries settings of \\[options.chains].")
    ] = False,
    form: Annotated[Literal["table", "json"], typer.Option("--format", help="Output format.")] = "table",
) -> None:
    """Show how files are read: columns, symbols, dates, the first rows, and the settings that would change it. Needs no warehouse and stores nothing."""
    if not path.exists():
        raise SourceError(f"there is no file or folder {path.absolute()}: give the path of one")
    from ats_assets.cli.sources.inspect import inspect_chains, inspect_files, inspect_ticks  # noqa: PLC0415

    if ticks is not None:
        if chains:
            raise typer.BadParameter("a file holds ticks or chains: give one of --ticks and --chains", param_hint="--chains")
        inspect_ticks(path=path, what=ticks, n_rows=rows, changes=changes or [], form=form)
        return
    if chains:
        inspect_chains(path=path, n_rows=rows, changes=changes or [], form=form)
        return
    inspect_files(path=path, n_rows=rows, changes=changes or [], form=form)


@app.command("health")
def sources_health(*, form: Annotated[Literal["table", "json"], typer.Option("--format", help="Output format.")] = "table") -> None:
    """Show how each vendor that was asked is doing: last success, failures, breaker, budget in use, cache hit rate. Asks nothing of them."""
    from ats_assets.cli.sources.health import show_health  # noqa: PLC0415

    show_health(form=form)


@app.command("audit")
def sources_audit(
    *,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From when on: a span such as 30m, 12h or 7d, a date, or 2024-03-01T14:30 (UTC).")
    ] = "24h",
    vendor: Annotated[str | None, typer.Option(metavar="NAME", help="Of one vendor, such as alpaca.")] = None,
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="The newest N; 0: all.")] = 100,
    form: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="Output format.")] = "table",
) -> None:
    """List the requests to vendors and brokers: which key asked what, the status, how long it took. Keys are shown as fingerprints."""
    from ats_assets.cli.sources.audit import show_audit  # noqa: PLC0415

    show_audit(since=since, vendor=vendor, limit=limit or None, form=form)
