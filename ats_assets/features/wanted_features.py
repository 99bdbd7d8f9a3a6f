"""Features by the names that a user gives them: a feature, `family.feature`, or a whole family."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError
from ats_assets.features.choosing import judged_families, model_families, regime_families
from ats_assets.features.family import ColumnFamily, FeatureFamily

Families = Mapping[str, FeatureFamily | ColumnFamily]


def stored_families(deployment: Deployment) -> Families:
    """The families of which there is a row a symbol and session: what features can be taken from; use it as `deployment.of(stored_families)`."""
    return {**deployment.of(judged_families), **deployment.of(regime_families)}


def wanted_features(deployment: Deployment, names: Sequence[str] | None) -> dict[str, list[str]]:
    """Family -> its features that are wanted, in the order in which they are named.

    Parameters
    ----------
    names
        Each a feature, `family.feature`, or a family, which stands for all of its features. None: what models learn from, `training.families`.

    Raises
    ------
    FeatureError
        If there is no such feature, several families have one of that name, or two that are wanted have one name.
    """
    known: Families = deployment.of(stored_families)
    found: dict[str, list[str]] = {}
    for name in list(deployment.of(model_families)) if names is None else names:
        for family, factor in _named(name, known):
            if factor not in found.setdefault(family, []):
                found[family].append(factor)
    if not found:
        raise FeatureError("no feature is named: name some, or leave them out for those that models learn from")
    first: dict[str, str] = {}
    for family, factors in found.items():
        for factor in factors:
            if first.setdefault(factor, family) != family:
                raise FeatureError(
                    f"both {first[factor]} and {family} have a feature {factor}, which would be one column: ask for one of them"
                )
    return found


def _named(name: str, known: Families) -> list[tuple[str, str]]:
    if name in known:
        return [(name, factor) for factor in known[name].factors]
    family, dot, factor = name.rpartition(".")
    if dot and family in known and factor in known[family].factors:
        return [(family, factor)]
    holders = [] if dot else [each for each, one in known.items() if factor in one.factors]
    if len(holders) == 1:
        return [(holders[0], factor)]
    if holders:
        raise FeatureError(f"{' and '.join(holders)} have a feature {name}: say which, as {holders[0]}.{name}")
    every = dict.fromkeys([*known, *(one for each in known.values() for one in each.factors)])
    similar = get_close_matches(factor, every, n=3)
    advice = f"did you mean {' or '.join(similar)}?" if similar else "ats features list shows them all"
    raise FeatureError(f"there is no feature {name!r} in {', '.join(known)}, the families that are assets; {advice}")
