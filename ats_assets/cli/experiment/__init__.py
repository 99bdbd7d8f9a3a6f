"""`ats experiment`: variants of the settings, run and compared_variants."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    name="experiment", no_args_is_help=True, help="Run variants of the settings over the same sessions, and compare what came of them."
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="The experiment: \\[experiment], \\[sweep] and \\[\\[variant]] in TOML.")]


@app.command("run")
def experiment_run(
    file: File,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="NAME", help="Run only this variant. Repeatable.")] = None,
    chunk: Annotated[int, typer.Option(min=1, metavar="N", help="Sessions per Dagster run.")] = 126,
) -> None:
    """Run each variant that is not done yet. What is equal in several is made once; an interrupted run goes on where it was."""
    typer.echo("ats experiment: loading the graph", err=True)
    from ats_assets.cli.experiment.run import run as command  # noqa: PLC0415

    command(file=file, only=only or [], chunk=chunk)


@app.command("compare")
def experiment_compare(file: File, as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Show what came of the variants: settings that differ, IC and t, Sharpe ratio, also deflated by the number of variants, drawdown, turnover."""
    from ats_assets.cli.experiment.compare import compare as command  # noqa: PLC0415

    command(file=file, as_json=as_json)
