"""`ats experiment run`: the variants of an experiment."""

from collections.abc import Sequence
from pathlib import Path

import typer

from ats_assets.cli.experiment.compare import show_table
from ats_assets.models.tracking import prepare_tracking
from ats_assets.runs.experiments.experiment_table import compared_variants
from ats_assets.runs.experiments.variant_run import run_experiment
from ats_assets.runs.experiments.variant_settings import base_settings
from ats_assets.runs.startup import prepare_environment, quiet
from ats_assets.runs.writing import say
from ats_assets.settings.experiment_file import read_experiment
from ats_assets.settings.loading import ignored_variables
from ats_assets.storage.second_process import beside


def run(*, file: Path, only: Sequence[str], chunk: int) -> None:
    """Run what is not done, and show the table; status 1 where a variant failed."""
    experiment = read_experiment(file)
    if ignored := ignored_variables():
        say(f"{', '.join(ignored)} in the environment: no part of an experiment, which is what its files say")
    prepare_environment()
    base = base_settings(experiment)
    if base.mlflow.enabled:
        beside(prepare_tracking, base.mlflow, base.storage.data)
    try:
        with quiet():
            messages = run_experiment(experiment, only=only, chunk=chunk)
    except KeyboardInterrupt:
        say("ats experiment: interrupted; the same command goes on where it was")
        raise typer.Exit(130) from None
    for message in messages:
        say(f"ats experiment: {message}")
    show_table(compared_variants(experiment))
    if messages:
        raise typer.Exit(1)
