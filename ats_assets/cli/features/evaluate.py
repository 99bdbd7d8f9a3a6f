"""`ats features evaluate`: whether the features of a family order the returns that follow."""

from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path

import typer

from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError, how_many
from ats_assets.evaluation.family_figures import evaluation_json
from ats_assets.evaluation.stored_factors import evaluate_family
from ats_assets.features.choosing import judged_families
from ats_assets.features.family import ColumnFamily, FeatureFamily
from ats_assets.runs.factor_tables import show_evaluation
from ats_assets.runs.feature_facts import print_json
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import say
from ats_assets.serving.queries.feature_registry import all_families
from ats_assets.settings import load_settings


def evaluate_features(
    *, family: str, features: Sequence[str], first: date | None, last: date | None, horizon: int | None, top: int, as_json: bool
) -> None:
    """Write the figures of the features to standard output.

    Raises
    ------
    FeatureError
        If the family has no such feature.
    MissingPartitionError
        If it is not stored.
    """
    deployment = Deployment(load_settings())
    known = deployment.of(judged_families)
    if family not in known:
        unnamed = family in all_families(deployment)
        what = f"{family!r} is no asset, since features.families does not name it" if unnamed else f"there is no family {family!r}"
        raise typer.BadParameter(f"{what}: the assets are {', '.join(known)}", param_hint="FAMILY")
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}", param_hint="--from")
    wanted = _wanted(known[family], features)
    sessions = horizon or deployment.settings.training.horizon_sessions
    with LongJob(f"judging {how_many(len(wanted), 'feature')} of {family}", len(wanted), "features") as job:
        found = evaluate_family(
            deployment,
            known[family],
            features=wanted,
            horizon_sessions=sessions,
            first=first or date.min,
            last=last or date.max,
            reach=job.reach,
        )
    _warn_of_a_newer_file(deployment, known[family])
    if as_json:
        print_json(evaluation_json(found, sessions))
    else:
        show_evaluation(found, sessions, top)


def _wanted(family: FeatureFamily | ColumnFamily, features: Sequence[str]) -> list[str]:
    for name in features:
        if name not in family.factors:
            similar = get_close_matches(name, family.factors, n=3)
            advice = f"did you mean {' or '.join(similar)}?" if similar else f"ats features list --family {family.name} shows them all"
            raise FeatureError(f"{family.name} has no feature {name!r}; {advice}")
    return [name for name in family.factors if name in features or not features]


def _warn_of_a_newer_file(deployment: Deployment, family: FeatureFamily | ColumnFamily) -> None:
    """Say so where the family's file was changed after its newest partition was stored: the figures may be those of other expressions."""
    file = Path(family.origin)
    if file.is_file():
        newest = deployment.warehouse.path(family.name, deployment.valid_sessions(family.name)[-1])
        if file.stat().st_mtime > newest.stat().st_mtime:
            say(
                f"{file} is newer than what is stored of {family.name}: where an expression has changed, the figures are those of the old one "
                f"until ats run --select '+{family.name}'"
            )
