"""`ats sources`: a look at data before any run."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ats_assets.errors import SourceError

__all__ = ["app"]

app = typer.Typer(name="sources", no_args_is_help=True, help="Look at data files before any run.")


@app.callback()
def sources() -> None:
    """Keeps `inspect` a command of its own: typer runs an only one without its name."""


@app.command("inspect")
def sources_inspect(
    path: Annotated[Path, typer.Argument(help="A file or folder of daily bars, of ticks or of option chains.")],
    *,
    rows: Annotated[int, typer.Option(min=0, metavar="N", help="How many of the first rows to show.")] = 5,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Try a setting of [source.files], such as date_format=%d/%m/%Y or symbol=AAPL. Repeatable."
        ),
    ] = None,
    ticks: Annotated[
        Literal["trades", "quotes"] | None,
        typer.Option("--ticks", help="Read it as trades or quotes; --set then tries settings of [intraday.trades] or [intraday.quotes]."),
    ] = None,
    chains: Annotated[
        bool, typer.Option("--chains", help="Read it as option chains; --set then tries settings of [options.chains].")
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
