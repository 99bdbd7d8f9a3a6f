"""`ats predict`: what a saved model says of a file of bars, of a stored session, or of rows of features."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["predict"]


def predict(  # noqa: PLR0917 - typer calls it by name
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="champion, one of \\[models] or \\[event_models], or the path of a saved model's folder. Default: that of events which is traded, or "
            "the champion.",
        ),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="The session to predict. Default: the newest. With rows of features: the model active then."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--input", metavar="FILE", help="Daily bars to predict from, or rows with a column for each feature: Parquet, CSV or JSON."
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With bars: take the features from this table instead of computing them. A row a symbol."),
    ] = None,
    actions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With bars: splits and dividends to adjust by. Default: prices as they are.")
    ] = None,
    form: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="Output format.")] = "table",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all rows to a .json, .csv or .parquet file instead.")] = None,
) -> None:
    """Predict with a saved model: signals of a file of bars, a stored session, or rows of features; and say what they were made of."""
    from ats_assets.runs.bar_signals.quick_start import without_collector  # noqa: PLC0415

    with without_collector():
        from ats_assets.cli.predict.predicting import predicted as command  # noqa: PLC0415

        command(model=model, session=session, file=file, features=features, actions=actions, form=form, output=output)
