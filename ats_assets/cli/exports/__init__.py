"""`ats exports`: the copies in stores of their own: what is wrong with them, how to bring them back, and what they look like."""

from typing import Annotated

import typer

from ats_assets.runs.completing import export_names

__all__ = ["app"]

app = typer.Typer(
    name="exports", no_args_is_help=True, help="Compare what is exported with the warehouse, bring a store up to date, show its schema."
)
_NAME = Annotated[
    str, typer.Argument(metavar="EXPORT", help="The name of a table \\[exports.<name>] of the settings.", autocompletion=export_names)
]
_FIRST = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First session. Default: the first that the store is to hold.")]
_LAST = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last session. Default: the newest stored.")]


@app.command("check")
def exports_check(
    export: _NAME,
    first: _FIRST = None,
    last: _LAST = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON: a list of objects with asset, session and text.")] = False,
) -> None:
    """Compare a store with the warehouse, byte for byte; status 1 where something differs, or the server may drop it."""
    from ats_assets.cli.exports.check import check as command  # noqa: PLC0415
    from ats_assets.runs.writing import parse_day  # noqa: PLC0415

    command(export, first=parse_day(first, "--from"), last=parse_day(last, "--to"), as_json=as_json)


@app.command("refill")
def exports_refill(
    export: _NAME,
    first: _FIRST = None,
    last: _LAST = None,
    everything: Annotated[bool, typer.Option("--all", help="Also write what the store says that it has already.")] = False,
) -> None:
    """Bring a store that was lost, emptied or left behind to what the warehouse has."""
    from ats_assets.cli.exports.refill import refill as command  # noqa: PLC0415
    from ats_assets.runs.writing import parse_day  # noqa: PLC0415

    command(export, first=parse_day(first, "--from"), last=parse_day(last, "--to"), everything=everything)


@app.command("schema")
def exports_schema(export: _NAME) -> None:
    """Show what a store holds: tables and columns, made from the contracts."""
    from ats_assets.cli.exports.schema import schema as command  # noqa: PLC0415

    command(export)
