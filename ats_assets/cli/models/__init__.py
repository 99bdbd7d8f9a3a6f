"""`ats models`: which models there are, how they compare, and who is champion."""

from typing import Annotated, Literal

import typer

from ats_assets.runs.completing import model_names

__all__ = ["app"]

app = typer.Typer(name="models", no_args_is_help=True, help="List, show and compare models; promote one to champion, or roll back.")
Form = Annotated[Literal["table", "json"], typer.Option("--format", help="Output format.")]
WithCsv = Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="Output format.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why: each row of the champion will tell.")]
Who = Annotated[str | None, typer.Option(metavar="NAME", help="Who decides. Default: the system's name of the user.")]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="From when it is to be known: 2021-03-10T14:00 (UTC). Default: now. For a history that is still to be made.",
    ),
]


@app.command("list")
def models_list(form: WithCsv = "table") -> None:
    """List the models: which version of each is active, how good it is, and which is champion."""
    from ats_assets.cli.models.list import list_models  # noqa: PLC0415

    list_models(form=form)


@app.command("show")
def models_show(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="The name of a model in the settings.", autocompletion=model_names)],
    session: Annotated[
        str | None, typer.Option(metavar="DATE", help="The model that was active at this session. Default: the newest.")
    ] = None,
    form: Form = "table",
) -> None:
    """Show a model: its fit, data, code and libraries, windows, figures, parameters, signature and SHA-256."""
    from ats_assets.cli.models.show import show_model  # noqa: PLC0415
    from ats_assets.runs.writing import parse_day  # noqa: PLC0415

    show_model(name=name, session=parse_day(session, "--session"), form=form)


@app.command("compare")
def models_compare(
    challenger: Annotated[str, typer.Argument(metavar="CHALLENGER", help="The model that is to be better.", autocompletion=model_names)],
    champion: Annotated[str, typer.Argument(metavar="CHAMPION", help="The model that it is compared with.", autocompletion=model_names)],
    form: WithCsv = "table",
) -> None:
    """Compare two models by the paired test of champion.rule = "challenge", on what is stored; csv has the sessions."""
    from ats_assets.cli.models.compare import compare_models  # noqa: PLC0415

    compare_models(challenger=challenger, champion=champion, form=form)


@app.command("promote")
def models_promote(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="The model that is to be champion.", autocompletion=model_names)],
    reason: Reason,
    who: Who = None,
    at: At = None,
) -> None:
    """Make a model champion from the next session on, and keep who decided it, when and why."""
    from ats_assets.cli.models.promote import promote_model  # noqa: PLC0415

    promote_model(name=name, reason=reason, who=who, at=at)


@app.command("rollback")
def models_rollback(reason: Reason, who: Who = None, at: At = None) -> None:
    """Make that model champion again which was it before the one that is."""
    from ats_assets.cli.models.rollback import roll_back_champion  # noqa: PLC0415

    roll_back_champion(reason=reason, who=who, at=at)
