"""`ats serve`: the HTTP service; `ats serve key` makes, lists and revokes its keys."""

from typing import Annotated

import typer

from ats_assets.cli.serve.key import app as key

__all__ = ["app"]

app = typer.Typer(name="serve", invoke_without_command=True)


@app.callback()
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on. Default: serving.host, 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, metavar="N", help="Port; 0: any free one. Default: serving.port, 8000.")
    ] = None,
) -> None:
    """Serve what is stored and traded over HTTP: REST, WebSocket and dashboard. Read-only unless serving.writes is set. Needs the extra api."""
    if ctx.invoked_subcommand is not None:
        return
    from ats_assets.deployment import Deployment  # noqa: PLC0415 - --help needs none of these
    from ats_assets.serving.server import serve as command  # noqa: PLC0415
    from ats_assets.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    said = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
    command(Deployment(settings.model_copy(update={"serving": settings.serving.model_copy(update=said)})))


app.add_typer(key)
