"""`ats predict`: what a saved model says of a session or of rows in a file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["predict"]


def predict(
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of [models] or [event_models]. Default: that of events which is traded, or the first."),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="The session to predict. Default: the newest stored. With --input: the model active then."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="Rows to predict instead: Parquet or CSV with a column for each feature.")
    ] = None,
    form: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="Output format.")] = "table",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all rows to a .parquet or .csv file instead.")] = None,
) -> None:
    """Predict with a saved model, and say of which model, data and code the predictions were made."""
    from ats_assets.cli.predict.predicting import predicted as command  # noqa: PLC0415

    command(model=model, session=session, file=file, form=form, output=output)
