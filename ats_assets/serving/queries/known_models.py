"""The models of a deployment as they are stored, for `ats models` and the service: which version of each is active, how good it is, and which is champion and why."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError, SettingsError
from ats_assets.models import models
from ats_assets.models.model_signature import model_signature
from ats_assets.predictions.active_models import model_asked_for
from ats_assets.predictions.champions.first_predicted import followed_champion
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.model_record import ModelRecord

ONLY = "the only model"


@dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A model or ensemble of the settings.

    Attributes
    ----------
    status
        fitted, unavailable, not stored; or ensemble, which has no fit.
    age_sessions
        Sessions since the fit, up to the newest stored.
    rank_ic, judged_sessions
        Out of sample, as `champion` has them; None and 0 where nothing was compared.
    reason
        Why it is champion or not; or why there is no model.
    """

    name: str
    kind: str
    status: str
    fitted_session: date | None = None
    age_sessions: int | None = None
    model_sha256: str | None = None
    validation_rank_ic: float | None = None
    rank_ic: float | None = None
    judged_sessions: int = 0
    is_champion: bool = False
    reason: str = ""


def known_models(deployment: Deployment) -> list[KnownModel]:
    """Every model in the order of the settings, then the ensemble, then those of events.

    Raises
    ------
    CorruptPartitionError
    """
    settings, titles = deployment.settings, newest_champion(deployment)
    kinds = {name: str(values.get("kind", name)) for name, values in {**settings.models, **settings.event_models}.items()}
    kinds |= {name: "ensemble" for name in settings.candidates if name not in kinds}
    order = [*settings.candidates, *settings.event_models]
    only = len(settings.models) == 1
    return [
        _known(deployment, name, kinds[name], titles.get(name, {}), only=only and name in settings.models) for name in dict.fromkeys(order)
    ]


def newest_champion(deployment: Deployment) -> dict[str, Mapping[str, Any]]:
    """Model -> its row of the newest partition of `champion`; nothing where there is none."""
    stored = deployment.warehouse.stored_sessions("champion")
    rows = deployment.warehouse.read("champion", stored[-1:]).iter_rows(named=True) if stored else ()
    return {row["model"]: row for row in rows}


def champion_titles(deployment: Deployment) -> list[dict[str, Any]]:
    """Each change of the champion, the newest first, from where predictions begin: from which session on, which model, and why; nothing with a single model."""
    stored = deployment.warehouse.stored_sessions("champion")
    if not stored:
        return []
    named = deployment.warehouse.read("champion", stored, ["session", "model", "is_champion", "reason"]).filter("is_champion")
    held = followed_champion(deployment, named).sort("session")
    changed = held.filter(held["model"].ne_missing(held["model"].shift(1)))
    return changed.select("session", "model", "reason").reverse().to_dicts()


def active_record(deployment: Deployment, name: str, session: date | None = None) -> ModelRecord:
    """The record behind the model of a session, which may be one that there is no model.

    Parameters
    ----------
    session
        Default: the newest stored.

    Raises
    ------
    SettingsError
        If settings have no such model.
    MissingPartitionError, CorruptPartitionError
    """
    asset = f"{name}_model"
    if asset not in deployment.models:
        fitted = ", ".join(one.removesuffix("_model") for one in deployment.models if one not in deployment.drift_refits.values())
        raise SettingsError(f"there is no model {name!r} in the settings: choose one of {fitted}")
    store = deployment.model_store(asset)
    sessions = store.stored_sessions() if session is None else [session]
    if not sessions:
        raise MissingPartitionError(f"{asset} is not stored: fit it with ats run --select '+{asset}'")
    return _active(deployment, store, sessions[-1])


def model_facts(deployment: Deployment, name: str, session: date | None) -> dict[str, Any]:
    """All that is known of a model, as JSON has it: the fit, what it learnt, figures, versions, signature, files, and its place among the others.

    Raises
    ------
    SettingsError, MissingPartitionError, CorruptPartitionError
        As `active_record`.
    """
    record = active_record(deployment, name, session)
    store = deployment.model_store(record.name)
    title, versions = newest_champion(deployment).get(name, {}), dict(record.versions)
    data = {asset: versions.pop(asset) for asset in store.upstream(record) if asset in versions}
    made_by = {what: versions.pop(what, None) for what in ("code", "settings")}
    window = None if record.training is None else record.training.model_dump(mode="json")
    judged = None if record.validation_window is None else record.validation_window.model_dump(mode="json")
    validation = None if record.validation is None else record.validation.rank_ic
    return {
        "name": name,
        "learner": record.learner,
        "status": record.status,
        "reason": record.reason,
        "fitted_session": None if record.fitted_session is None else str(record.fitted_session),
        "file": str(store.folder(record.session) / record.file) if record.status == "fitted" else None,
        "sha256": record.model_sha256,
        "code_version": made_by["code"],
        "settings_version": made_by["settings"],
        "libraries": versions,
        "data": data,
        "label": None if record.label is None else record.label.model_dump(mode="json"),
        "training_window": window,
        "validation_window": judged,
        "figures": {
            "validation_rank_ic": validation,
            "out_of_sample_rank_ic": title.get("rank_ic"),
            "judged_sessions": title.get("judged_sessions", 0),
            "best_iteration": record.best_iteration,
        },
        "parameters": record.parameters,
        "champion": bool(title.get("is_champion", len(deployment.settings.models) == 1)),
        "why": title.get("reason", ONLY if len(deployment.settings.models) == 1 else ""),
        "signature": model_signature(record),
    }


def _known(deployment: Deployment, name: str, kind: str, title: Mapping[str, Any], *, only: bool) -> KnownModel:
    known = KnownModel(
        name=name,
        kind=kind,
        status="ensemble",
        rank_ic=title.get("rank_ic"),
        judged_sessions=title.get("judged_sessions", 0),
        is_champion=title.get("is_champion", only),
        reason=title.get("reason", ONLY if only else ""),
    )
    if f"{name}_model" not in deployment.models:
        return known
    store = deployment.model_store(f"{name}_model")
    stored = store.stored_sessions()
    if not stored:
        return replace(known, status="not stored")
    record = _active(deployment, store, stored[-1])
    if record.status != "fitted":
        return replace(known, status=record.status, reason=f"no model: {record.reason}")
    return replace(
        known,
        status=record.status,
        fitted_session=record.fitted_session,
        age_sessions=sum(record.session < day for day in stored),
        model_sha256=record.model_sha256,
        validation_rank_ic=record.validation.rank_ic if record.validation else None,
    )


def _active(deployment: Deployment, store: ModelStore, session: date) -> ModelRecord:
    """The record after the close of a session: of the model that was due, or of one that drift has asked for since, where these are stored."""
    if store.name in deployment.drift_refits:
        try:
            asked = model_asked_for(deployment, deployment.of(models)[store.name], session)
        except MissingPartitionError:
            asked = None
        if asked is not None:
            return asked
    return store.active(session)
