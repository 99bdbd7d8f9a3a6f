"""MLflow's registry of models, beside the asset `champion`, which is the truth: one registered model for the deployment, whose versions are fits that have been champion or challenger.

The alias `champion` is on the version that is traded, `challenger` on the best of the others, and each version has the champion's reason in its tags. Like all tracking it is written by a second
process, which nobody waits for, and what goes wrong with it is no fault of the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ats_assets.models.tracking import Tracking
from ats_assets.settings import MlflowSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = "champion", "challenger"
"""Aliases; their case matters to MLflow."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A fit that is champion or challenger.

    Attributes
    ----------
    asset, fitted_session, sha256
        Of the fit, which drift may have asked for; None where the champion has none, as an ensemble.
    why
        The reason of `champion`.
    """

    alias: str
    model: str
    session: date
    why: str
    asset: str | None = None
    fitted_session: date | None = None
    sha256: str | None = None


def registered_name(experiment: str, prefix: str) -> str:
    """What the registered model of a graph is called: as its experiment; those of `ats experiment` have a slash, which no registered model may have.

    Examples
    --------
    >>> registered_name("ats-assets/horizons", "crypto")
    'ats-assets-horizons-crypto'
    """
    return "-".join(filter(None, [experiment, prefix])).replace("/", "-").replace(":", "-")


def register_standings(settings: MlflowSettings, data: Path, registered: str, standings: Sequence[Standing]) -> dict[str, str]:
    """Put the aliases where they belong, and return the version that each is on; one whose fit has no MLflow run is taken away.

    Parameters
    ----------
    registered
        The name of the registered model, made where there is none.
    """
    tracking = Tracking(settings, data)
    client = tracking.client()
    _require_registered(client, registered)
    found: dict[str, str] = {}
    for one in standings:
        version = None if one.fitted_session is None else _version(client, tracking.experiment_id(client), registered, one)
        if version is None:
            _take_away(client, registered, one.alias)
            continue
        for key, value in {"standing": one.alias, "as_of": str(one.session), "why": one.why[:5000]}.items():
            client.set_model_version_tag(registered, version, key, value)
        client.set_registered_model_alias(registered, one.alias, version)
        found[one.alias] = version
    return found


def _require_registered(client: "MlflowClient", registered: str) -> None:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        client.get_registered_model(registered)
    except MlflowException:
        client.create_registered_model(registered, description="Fits that were champion or challenger; the asset champion is the truth.")


def _version(client: "MlflowClient", experiment: str, registered: str, one: Standing) -> str | None:
    """The version of a fit, made of its run where there is none; None where the fit was not logged."""
    for version in client.search_model_versions(f"name = '{registered}'"):
        if version.tags.get("sha256") == one.sha256 and version.tags.get("model") == one.model:
            return str(version.version)
    wanted = (
        f"tags.asset = '{one.asset or f'{one.model}_model'}' and tags.partition = '{one.fitted_session}' and attributes.status = 'FINISHED'"
    )
    runs = client.search_runs([experiment], wanted, max_results=1, order_by=["attributes.start_time DESC"])
    if not runs:
        return None
    tags = {"model": one.model, "fitted_session": str(one.fitted_session), "sha256": one.sha256 or ""}
    made = client.create_model_version(
        registered, runs[0].info.artifact_uri or f"runs:/{runs[0].info.run_id}", run_id=runs[0].info.run_id, tags=tags
    )
    return str(made.version)


def _take_away(client: "MlflowClient", registered: str, alias: str) -> None:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        client.get_model_version_by_alias(registered, alias)
    except MlflowException:
        return
    client.delete_registered_model_alias(registered, alias)
