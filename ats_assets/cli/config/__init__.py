"""`ats config`: what is set, where each value comes from, and where two settings files differ."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ats_assets.runs.completing import setting_names

__all__ = ["app"]

app = typer.Typer(
    name="config", no_args_is_help=True, help="Show the settings in use and where each comes from, or where two files differ."
)


@app.callback()
def config() -> None:
    """Show the settings in use and where each comes from, or where two files differ."""


@app.command("show")
def config_show(
    section: Annotated[
        str | None,
        typer.Argument(
            metavar="[SECTION]", help="A section, a table in it or one value: training, source.synthetic.", autocompletion=setting_names
        ),
    ] = None,
    *,
    defaults: Annotated[bool, typer.Option("--defaults", help="Show the defaults, whatever is set.")] = False,
    set_only: Annotated[bool, typer.Option("--set-only", help="Show only what a file or the environment says.")] = False,
    form: Annotated[
        Literal["table", "toml", "json"], typer.Option("--format", help="Output format; toml can be a settings file.")
    ] = "table",
) -> None:
    """Show every setting: its value, and whether it is a default, of a file (which) or of the environment. Secrets are hidden."""
    if defaults and set_only:
        raise typer.BadParameter("nothing is set among the defaults: give one of --defaults and --set-only", param_hint="--set-only")
    from ats_assets.cli.config.show import show_settings  # noqa: PLC0415 - --help needs none of it

    show_settings(section=section, defaults=defaults, set_only=set_only, form=form)


@app.command("diff")
def config_diff(
    first: Annotated[
        Path | None, typer.Argument(metavar="[A]", help="A settings file. Alone: against the defaults. Default: the settings in use.")
    ] = None,
    second: Annotated[Path | None, typer.Argument(metavar="[B]", help="Another one: what it says in place of A.")] = None,
    *,
    stale: Annotated[
        bool,
        typer.Option("--stale", help="Also list the assets that B's settings would make stale; loads both graphs, which takes seconds."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show where settings differ: two files, a file and the defaults, or the settings in use and the defaults. Secrets are hidden."""
    from ats_assets.cli.config.diff import show_differences  # noqa: PLC0415 - --help needs none of it

    show_differences(first, second, with_stale=stale, as_json=as_json)
