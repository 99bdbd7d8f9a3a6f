"""`ats trade`: session by session without a command of its own; `ats trade live` inside a session."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(name="trade", invoke_without_command=True)


@app.callback()
def trade(
    ctx: typer.Context,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First session to trade. Default: the one after the last that was traded.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last session to trade. Default: the newest one with signals.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Dagster's full log.")] = False,
) -> None:
    """Trade session by session: settle the last orders, plan those for the next open, send them to the configured broker."""
    if ctx.invoked_subcommand is not None:
        return
    from ats_assets.runs.writing import parse_day  # noqa: PLC0415
    from ats_assets.settings import settings_file  # noqa: PLC0415

    typer.echo(f"ats trade: loading the graph, with the settings of {settings_file()}", err=True)
    from ats_assets.runs.trade_sessions import trade_in_turn as command  # noqa: PLC0415

    command(first=parse_day(first, "--from"), last=parse_day(last, "--to"), verbose=verbose)


@app.command("live")
def trade_live(  # noqa: PLR0917 - typer calls it by name
    replay: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|stored", help="Play a stored day instead: Parquet files of minutes, quotes or trades, or the warehouse."
        ),
    ] = None,
    session: Annotated[str | None, typer.Option(metavar="DATE", help="The session. Default: the one that is open, or opens next.")] = None,
    speed: Annotated[
        float, typer.Option(min=0, metavar="N", help="Of a replay: seconds of the market in a second. 0: as fast as it goes.")
    ] = 0,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of a replay: CSV with symbol, side, quantity. Default: the stored plan.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Of a replay: keep its records there, and go on with one that was killed.")
    ] = None,
    page: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the day as an HTML page.")] = None,
    status: Annotated[
        bool, typer.Option("--status", help="Show positions, risk and orders of the session that is followed, and end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --status or --replay: write JSON.")] = False,
    once: Annotated[bool, typer.Option("--once", help="End after the session.")] = False,
) -> None:
    """Follow a session: decide by minute bars and quotes, work the plan's orders, stop at a breach of a limit. Runs until SIGTERM or Ctrl-C."""
    from ats_assets.cli.trade.live import LiveCommand, live  # noqa: PLC0415
    from ats_assets.runs.writing import parse_day  # noqa: PLC0415

    day = parse_day(session, "--session")
    how = {"status": status, "as_json": as_json, "once": once}
    live(LiveCommand(replay=replay, session=day, speed=speed, plan=plan, keep=keep, page=page, **how))


@app.command("paced")
def trade_paced(
    every: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="From the end of a session to the next.")] = 30,
    back: Annotated[
        int, typer.Option(min=0, metavar="N", help="Where nothing was traded yet: begin so many sessions before the newest stored one.")
    ] = 20,
    beyond: Annotated[
        bool, typer.Option("--beyond", help="After the last stored session let the synthetic source make further ones.")
    ] = False,
) -> None:
    """Trade one stored session after the other at the embedded broker, at a pace: a day in which paper orders are filled. Runs until SIGTERM or Ctrl-C."""
    typer.echo("ats trade paced: loading the graph", err=True)
    from ats_assets.cli.trade.paced import PacedCommand, paced  # noqa: PLC0415

    paced(PacedCommand(every_seconds=every, back=back, beyond=beyond))
