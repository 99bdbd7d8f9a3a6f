"""`ats features`: the registry of features, and what an expression needs."""

from typing import Annotated, Literal

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="List features, and check feature expressions.")
Form = Annotated[Literal["table", "json"], typer.Option("--format", help="Output format.")]


@app.command("list")
def features_list(
    family: Annotated[str | None, typer.Option(metavar="NAME", help="Only this family. Default: all of them.")] = None,
    form: Form = "table",
) -> None:
    """List the features: name, family, look-back in sessions, description."""
    from ats_assets.cli.features.list import list_features  # noqa: PLC0415

    list_features(family=family, form=form)


@app.command("show")
def features_show(
    name: Annotated[str, typer.Argument(help="A feature, or FAMILY.FEATURE where several families have one of that name.")],
    form: Form = "table",
) -> None:
    """Show a feature: its expression, look-back, fields and operators."""
    from ats_assets.cli.features.show import show_feature  # noqa: PLC0415

    show_feature(name=name, form=form)


@app.command("check", context_settings={"ignore_unknown_options": True})  # an expression may begin with a minus sign
def features_check(
    expression: Annotated[str, typer.Argument(help="The expression in quotes, such as 'Mean($close, 5) / $close'.")],
    form: Form = "table",
) -> None:
    """Check an expression and show its look-back, fields and operators; an error points at its place."""
    from ats_assets.cli.features.check import check_expression  # noqa: PLC0415

    check_expression(expression=expression, form=form)
