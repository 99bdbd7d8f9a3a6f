"""`ats serve key`: the keys with which people, bots and programs ask the service."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

__all__ = ["app"]

app = typer.Typer(name="key", no_args_is_help=True, help="Make, list and revoke API keys.")


@app.command("add")
def key_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what will use it, such as laptop or telegram-bot.")],
    role: Annotated[Literal["read", "trade", "admin"], typer.Option(help="What it may do; each role includes those before it.")] = "read",
    days: Annotated[float | None, typer.Option(min=0, metavar="N", help="It expires after so many days. Default: never.")] = None,
    speaks_for_others: Annotated[
        bool, typer.Option("--speaks-for-others", help="It may say on whose behalf it asks (X-On-Behalf-Of), as bots do.")
    ] = False,
) -> None:
    """Make a key and print it, this one time: only its hash is kept."""
    from ats_assets.serving.roles import Role  # noqa: PLC0415

    key = _keys().add(name, Role(role), days=days, speaks_for_others=speaks_for_others)
    typer.echo(f"ats: the key {name!r} of the role {role}; it is shown this one time", err=True)
    sys.stdout.write(key + "\n")


@app.command("list")
def key_list(form: Annotated[Literal["table", "json"], typer.Option("--format", help="Output format.")] = "table") -> None:
    """List the keys: name, role, when they were made, and whether they are valid."""
    from rich.text import Text  # noqa: PLC0415

    from ats_assets.runs.writing import console, write_rows  # noqa: PLC0415

    now = datetime.now(UTC)
    keys = _keys().all()
    if form == "json":
        rows = [one.model_dump(mode="json", exclude={"sha256"}) | {"state": one.state(now)} for one in keys]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    if not keys:
        typer.echo("ats: there are no keys: ats serve key add NAME makes one", err=True)
        return
    heading = ("id", "name", "role", "made", "expires", "state")
    cells = [
        (one.id, one.name, one.role, f"{one.made_at:%Y-%m-%d}", f"{one.expires_at:%Y-%m-%d}" if one.expires_at else "never") for one in keys
    ]
    shown = [tuple(map(Text, (*row, one.state(now)))) for row, one in zip(cells, keys, strict=True)]
    write_rows(console(), [tuple(Text(name, style="bold") for name in heading), *shown])


@app.command("revoke")
def key_revoke(name: Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the key.")]) -> None:
    """Revoke a key: it opens nothing from the next request on, and its browsers are logged out."""
    ended = _keys().revoke(name)
    typer.echo(f"ats: revoked {ended} of the name {name!r}", err=True)


def _keys():
    from ats_assets.serving.keys import KeyStore  # noqa: PLC0415
    from ats_assets.settings import load_settings  # noqa: PLC0415

    return KeyStore(load_settings().storage.data)
