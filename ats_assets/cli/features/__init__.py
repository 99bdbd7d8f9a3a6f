"""`ats features`: the registry of features, what an expression needs, how good features are, and what was known of them beside events."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ats_assets.runs.completing import family_names

__all__ = ["app"]

app = typer.Typer(
    name="features", no_args_is_help=True, help="List features, check feature expressions, evaluate features, and join them to events."
)
Form = Annotated[Literal["table", "json"], typer.Option("--format", help="Output format.")]


@app.command("list")
def features_list(
    family: Annotated[str | None, typer.Option(metavar="NAME", help="Only this family. Default: all of them.")] = None,
    form: Form = "table",
    stored: Annotated[
        bool,
        typer.Option("--stored", help="What is stored instead: owner, newest session, who uses it; figures and drift of each feature."),
    ] = False,
    clusters: Annotated[bool, typer.Option("--clusters", help="With --stored: the cluster of each feature, by correlation.")] = False,
    sessions: Annotated[int, typer.Option(min=1, metavar="N", help="With --stored: figures of the newest N stored sessions.")] = 60,
) -> None:
    """List the features: name, family, look-back in sessions, description; with --stored what is known of their values."""
    from ats_assets.cli.features.list import list_features, list_stored  # noqa: PLC0415

    if stored or clusters:
        list_stored(family=family, form=form, sessions=sessions, clusters=clusters)
    else:
        list_features(family=family, form=form)


@app.command("show")
def features_show(
    name: Annotated[str, typer.Argument(help="A feature, or FAMILY.FEATURE where several families have one of that name.")],
    form: Form = "table",
) -> None:
    """Show a feature: its expression, look-back, fields and operators; and of what is stored its owner, freshness, users, figures and drift."""
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


@app.command("evaluate")
def features_evaluate(  # noqa: PLR0917 - typer calls it by name
    family: Annotated[
        str,
        typer.Argument(metavar="FAMILY", help="A family that is stored, such as alpha158 or one of your own.", autocompletion=family_names),
    ],
    features: Annotated[list[str] | None, typer.Argument(metavar="[FEATURE]...", help="Only these. Default: all of the family.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First decision session. Default: the first stored.")] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", help="Last session: outcomes known later do not count. Default: the newest stored."),
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option(min=1, metavar="SESSIONS", help="Sort by this horizon, and show its quantiles. Default: training.horizon_sessions."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, metavar="N", help="Show so many features, the largest |t| first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, with every figure of every feature.")] = False,
) -> None:
    """Evaluate features on what is stored: IC and its decay, returns by quantile, coverage, turnover, the nearest feature."""
    from ats_assets.cli.features.evaluate import evaluate_features  # noqa: PLC0415
    from ats_assets.runs.writing import parse_day  # noqa: PLC0415

    evaluate_features(
        family=family,
        features=features or [],
        first=parse_day(first, "--from"),
        last=parse_day(last, "--to"),
        horizon=horizon,
        top=top,
        as_json=as_json,
    )


@app.command("join")
def features_join(  # noqa: PLR0917 - typer calls it by name
    events: Annotated[
        Path,
        typer.Argument(
            metavar="EVENTS",
            exists=True,
            dir_okay=False,
            help="CSV or Parquet: symbol, and time (with its distance from UTC) or session; any other columns.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write, .csv or .parquet.")],
    features: Annotated[
        list[str] | None,
        typer.Option("--feature", metavar="NAME", help="A feature, FAMILY.FEATURE or a family; repeatable. Default: training.families."),
    ] = None,
    max_age: Annotated[int, typer.Option(min=0, metavar="SESSIONS", help="How much older than the newest known session a row may be.")] = 5,
    delay: Annotated[
        float, typer.Option("--delay-minutes", min=0.0, metavar="MINUTES", help="How long after a session is known its features are used.")
    ] = 0.0,
    restated: Annotated[
        bool, typer.Option("--restated", help="Allow a warehouse of restated history, which knows what came later.")
    ] = False,
) -> None:
    """Put beside each event of a file the features that were known when it happened, and nothing that was known later."""
    from ats_assets.cli.features.join import join_features  # noqa: PLC0415

    join_features(events=events, output=output, features=features, max_age_sessions=max_age, delay_minutes=delay, restated=restated)
