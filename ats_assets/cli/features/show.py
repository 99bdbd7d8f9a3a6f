"""`ats features show`: a feature of the registry."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches

from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError
from ats_assets.features import Feature, FeatureFamily
from ats_assets.runs.feature_facts import all_families, needs_of, print_json, write_facts
from ats_assets.settings import load_settings


def show_feature(*, name: str, form: str) -> None:
    """Write what the registry says of the factors of a name to standard output.

    Raises
    ------
    FeatureError
        If there is none.
    """
    families = all_families(Deployment(load_settings()))
    found = _named(name, families)
    if form == "json":
        print_json([asdict(feature) | needs_of(feature.expression) for feature in found])
        return
    for feature in found:
        write_facts({"name": feature.name, "family": feature.family, "description": feature.description}, feature.expression)


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
