"""`ats up`: service, desk, a day of trading and the bots by one command."""

from typing import Annotated

import typer


def up(  # noqa: PLR0917 - typer calls it by name
    port: Annotated[int | None, typer.Option(min=0, max=65_535, metavar="N", help="Of the service. Default: serving.port, 8000.")] = None,
    every: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Between two sessions of the embedded broker's day.")] = 30,
    back: Annotated[
        int, typer.Option(min=0, metavar="N", help="Where nothing was traded yet: begin so many sessions before the newest stored one.")
    ] = 20,
    beyond: Annotated[
        bool, typer.Option("--beyond", help="After the last stored session let the synthetic source make further ones.")
    ] = False,
    no_sessions: Annotated[bool, typer.Option("--no-sessions", help="Let no sessions of the embedded broker come.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Take no requests, and open no desk.")] = False,
    replay: Annotated[
        str | None, typer.Option(metavar="FOLDER|stored", help="Also play a stored session, as ats trade live --replay.")
    ] = None,
    session: Annotated[str | None, typer.Option(metavar="DATE", help="Of --replay: which.")] = None,
    speed: Annotated[float, typer.Option(min=0, metavar="N", help="Of --replay: seconds of the market in a second. 0: no wait.")] = 60,
    live: Annotated[
        bool, typer.Option("--live", help="Also follow sessions as they happen, as ats trade live; not at the embedded broker.")
    ] = False,
    bots: Annotated[bool, typer.Option("--bots", help="Also run the bots, as ats bots run.")] = False,
) -> None:
    """Start the service, the desk and a day of trading, restart what dies, and end all in order on SIGTERM or Ctrl-C. Needs the extra api."""
    from ats_assets.runs.bringing_up import UpCommand, bring_up  # noqa: PLC0415

    how = {"replay": replay, "session": session, "speed": speed, "live": live, "bots": bots, "read_only": read_only}
    bring_up(UpCommand(port=port, every=every, back=back, beyond=beyond, no_sessions=no_sessions, **how))
