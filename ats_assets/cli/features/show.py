"""`ats features show`: a feature of the registry."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError
from ats_assets.features import Feature, FeatureFamily
from ats_assets.runs.feature_facts import needs_of, print_json, write_facts
from ats_assets.serving.queries.feature_registry import (
    FamilyRecord,
    all_families,
    family_records,
    feature_figures,
    figure_facts,
    record_facts,
)
from ats_assets.settings import load_settings


def show_feature(*, name: str, form: str) -> None:
    """Write what the registry says of the factors of a name to standard output.

    Raises
    ------
    FeatureError
        If there is none.
    """
    deployment = Deployment(load_settings())
    found = _named(name, all_families(deployment))
    records = family_records(deployment)
    figures = {
        family: feature_figures(deployment, family) for family in dict.fromkeys(feature.family for feature in found) if family in records
    }
    if form == "json":
        print_json(
            [
                asdict(feature) | needs_of(feature.expression) | _stored_json(records.get(feature.family), figures, feature)
                for feature in found
            ]
        )
        return
    for feature in found:
        record, told = records.get(feature.family), figures.get(feature.family, {})
        write_facts(
            {"name": feature.name, "family": feature.family, "description": feature.description},
            feature.expression,
            (record_facts(record) if record else {}) | (figure_facts(told[feature.name]) if told else {}),
        )


def _stored_json(record: FamilyRecord | None, figures: Mapping[str, Any], feature: Feature) -> dict[str, Any]:
    """What is stored of a feature, as JSON has it."""
    if record is None:
        return {}
    of_family = asdict(record) | {"newest": record.newest and str(record.newest)}
    del of_family["name"]
    return of_family | {"figures": figures[feature.family].get(feature.name)}


def _named(name: str, families: Mapping[str, FeatureFamily]) -> Sequence[Feature]:
    """The factors of a name, which is that of a factor or `family.factor`."""
    family, dot, factor = name.rpartition(".")
    chosen = [families[family]] if dot and family in families else [] if dot else list(families.values())
    found = [feature for each in chosen for feature in each.features if feature.name == factor]
    if not found:
        names = {each: None for known in families.values() for each in known.expressions}
        similar = get_close_matches(factor, names, n=3)
        advice = f"did you mean {' or '.join(similar)}?" if similar else "ats features list shows them all"
        raise FeatureError(f"there is no feature {name!r} in {', '.join(families)}; {advice}")
    return found
