"""`ats bots`: the Telegram and Discord bots."""

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(name="bots", no_args_is_help=True, help="Run the Telegram and Discord bots, and see who may use them.")


@app.callback()
def bots_group() -> None:
    """Run the Telegram and Discord bots, and see who may use them."""


@app.command("run")
def bots_run() -> None:
    """Run the bots that are enabled until Ctrl-C. They talk to `ats serve` alone."""
    from ats_assets.cli.bots.run import run  # noqa: PLC0415

    run()


@app.command("people")
def bots_people(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List who may use the bots, with roles, and who was revoked."""
    from ats_assets.cli.bots.people import list_people  # noqa: PLC0415

    list_people(as_json=as_json)


@app.command("revoke")
def bots_revoke(person: Annotated[str, typer.Argument(help="Such as telegram:123456789.")]) -> None:
    """Take somebody's role away at once, whatever the settings say."""
    from ats_assets.cli.bots.revoke import revoke  # noqa: PLC0415

    revoke(person)


@app.command("restore")
def bots_restore(person: Annotated[str, typer.Argument(help="Such as telegram:123456789.")]) -> None:
    """Let the settings count again for somebody who was revoked."""
    from ats_assets.cli.bots.restore import restore  # noqa: PLC0415

    restore(person)


@app.command("commands")
def bots_commands(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List the commands that people can give, with the role that each needs."""
    from ats_assets.cli.bots.commands import list_commands  # noqa: PLC0415

    list_commands(as_json=as_json)


@app.command("audit")
def bots_audit(
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The newest lines.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show what was asked, confirmed, refused and revoked, the newest first."""
    from ats_assets.cli.bots.audit import show_audit  # noqa: PLC0415

    show_audit(limit=limit, as_json=as_json)
