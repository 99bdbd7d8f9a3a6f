"""What the registry knows of families that are stored: whose they are, how fresh, who uses them, what their values look like and whether they drift."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError, how_many
from ats_assets.features.built_in import FAMILIES
from ats_assets.features.choosing import families
from ats_assets.features.family import KEYS, FeatureFamily
from ats_assets.features.feature_statistics import QUANTILES, feature_statistics
from ats_assets.features.wanted_features import stored_families
from ats_assets.lineage.known_rules import read_rules

SESSIONS = 60
"""The newest sessions whose values are looked at, unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class FamilyRecord:
    """A family as the registry shows it.

    Attributes
    ----------
    owner
        By `features.owners`; empty where nobody is named.
    newest
        The newest stored session; None where nothing is stored.
    state
        "current", "due" (its session has closed, and deliveries may still come), "late by 2 sessions", or "not stored".
    used_by
        The assets that read it, and the exports that take it.
    drift
        The alarms of the newest stored partition of `drift`, where that is an asset.
    """

    name: str
    owner: str
    newest: date | None
    state: str
    used_by: tuple[str, ...]
    drift: tuple[str, ...]


def all_families(deployment: Deployment) -> Mapping[str, FeatureFamily]:
    """Those that are assets, and the other built-in ones."""
    return {**FAMILIES, **deployment.of(families)}


def registered_features(deployment: Deployment) -> Mapping[str, list[dict[str, Any]]]:
    """Family -> its features as JSON has them; to look through every expression takes a while, so use it as `deployment.of(registered_features)`."""
    return {name: [asdict(one) for one in family.features] for name, family in all_families(deployment).items()}


def family_records(deployment: Deployment, now: datetime | None = None) -> dict[str, FamilyRecord]:
    """The families with a row a symbol and session that are assets, by name.

    Raises
    ------
    SettingsError
        If `features.owners` names something else.
    """
    owners, known = deployment.settings.features.owners, deployment.of(stored_families)
    for name in owners:
        if name not in known:
            raise SettingsError(f"features.owners names `{name}`, which is no family that is an asset: choose from {', '.join(known)}")
    alarms, users = _alarms(deployment), _users(deployment)
    found = {}
    for name in known:
        newest, state = _freshness(deployment, name, now or datetime.now(UTC))
        learnt = name in deployment.settings.training.families
        found[name] = FamilyRecord(
            name=name,
            owner=owners.get(name, ""),
            newest=newest,
            state=state,
            used_by=users.get(name, ()),
            drift=alarms if learnt else (),
        )
    return found


def feature_figures(deployment: Deployment, family: str, *, sessions: int = SESSIONS, clusters: bool = False) -> dict[str, dict[str, Any]]:
    """Of each feature of a family its figures over the newest stored sessions, and with `clusters` the cluster that it is in; nothing where nothing is stored.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
        If a partition can't be read.
    """
    stored = deployment.valid_sessions(family)[-sessions:]
    if not stored:
        return {}
    names = list(deployment.of(stored_families)[family].factors)
    rows = deployment.warehouse.read(family, stored, [*KEYS, *names])
    found = {one.name: asdict(one) | {"first": str(stored[0]), "last": str(stored[-1])} for one in feature_statistics(rows, names)}
    if clusters:
        from ats_assets.evaluation.feature_clusters import clusters_of_values  # noqa: PLC0415 - a second to import

        for name, typical in clusters_of_values(rows, names).items():
            found[name]["cluster"] = typical
    return found


def record_facts(record: FamilyRecord) -> dict[str, str]:
    """What is told of a family, as text."""
    return {
        "owner": record.owner or "nobody is named in features.owners",
        "stored": f"{record.newest}, {record.state}" if record.newest else record.state,
        "used by": ", ".join(record.used_by) or "nobody",
    } | ({"drift": "; ".join(record.drift)} if record.drift else {})


def figure_facts(figures: Mapping[str, Any]) -> dict[str, str]:
    """What is told of a feature's values, as text."""
    shown = {
        "rows": f"{figures['rows']:,} from {figures['first']} to {figures['last']}, {shown_share(figures['missing_share'])} missing",
        "mean": f"{shown_figure(figures['mean'])}, deviation {shown_figure(figures['deviation'])}",
    }
    if figures["quantiles"]:
        shown["quantiles"] = ", ".join(f"{shown_figure(q)} at {p:.0%}" for q, p in zip(figures["quantiles"], QUANTILES, strict=True))
    return shown | {"PSI": shown_figure(figures["psi"])}


def shown_figure(value: float | None) -> str:
    """A figure in four digits; a dash where there is none."""
    return "-" if value is None else f"{value:.4g}"


def shown_share(value: float | None) -> str:
    """A share in percent; a dash where there is none."""
    return "-" if value is None else f"{value:.1%}"


def _freshness(deployment: Deployment, family: str, now: datetime) -> tuple[date | None, str]:
    stored = deployment.valid_sessions(family)
    if not stored:
        return None, "not stored"
    calendar, ends = deployment.calendar, deployment.source_ends
    due = calendar.last_closed(now)
    due = due if ends is None else min(due, ends)
    late = calendar.count(stored[-1], due)
    if late <= 0:
        return stored[-1], "current"
    if late == 1 and now < deployment.knowledge.deadline(due):
        return stored[-1], "due"
    return stored[-1], f"late by {how_many(late, 'session')}"


def _users(deployment: Deployment) -> dict[str, tuple[str, ...]]:
    """Who reads each family: by the rules of the graph, which a run keeps, or (where it has kept none since the settings changed) the models by the settings."""
    settings, found = deployment.settings, dict[str, list[str]]()
    rules = read_rules(deployment)
    if rules is not None:
        for rule in rules:
            for window in rule.windows:
                found.setdefault(window.asset, []).append(rule.asset)
    else:
        for family in settings.training.families:
            found.setdefault(family, []).extend(deployment.daily_models)
    for name, values in settings.exports.items():
        for asset in values.get("assets", ()):
            found.setdefault(asset, []).append(f"{name}_export")
    return {asset: tuple(dict.fromkeys(readers)) for asset, readers in found.items()}


def _alarms(deployment: Deployment) -> tuple[str, ...]:
    """What the newest partition of drift says of features, where it is looked for."""
    stored = deployment.valid_sessions("drift") if deployment.settings.drift is not None else []
    if not stored:
        return ()
    rows = deployment.warehouse.read("drift", stored[-1:]).filter((pl.col("of") == "features") & pl.col("alarm"))
    return tuple(f"{stored[-1]}: {model}, {test}: {about}" for model, test, about in rows.select("model", "test", "about").iter_rows())
