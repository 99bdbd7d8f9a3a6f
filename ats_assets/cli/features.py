"""`ats features`: the registry of features, and what an expression needs."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError
from ats_assets.features import Feature, FeatureFamily, inspect
from ats_assets.features.choosing import FAMILIES, families, model_families
from ats_assets.runs.writing import console, say, write_table
from ats_assets.settings import load_settings


def list_features(*, family: str | None, form: str) -> None:
    """Write the registry, or one family of it, to standard output."""
    deployment = Deployment(load_settings())
    known = _all_families(deployment)
    if family is not None and family not in known:
        raise typer.BadParameter(f"there is no family {family!r}: choose one of {', '.join(known)}", param_hint="--family")
    chosen = known if family is None else {family: known[family]}
    features = [feature for each in chosen.values() for feature in each.features]
    if form == "json":
        _write_json([asdict(feature) for feature in features])
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("name", "family", "look-back", "what it is"):
        table.add_column(heading, justify="right" if heading == "look-back" else "left")
    for feature in features:
        table.add_row(feature.name, feature.family, str(feature.lookback_sessions), Text(feature.description or feature.expression))
    write_table(console(), table)
    say(
        f"{len(features)} features. Assets: {', '.join(deployment.of(families))}; the model uses {', '.join(deployment.of(model_families))}"
    )


def show_feature(*, name: str, form: str) -> None:
    """Write what the registry says of the factors of a name to standard output.

    Raises
    ------
    FeatureError
        If there is none.
    """
    families = _all_families(Deployment(load_settings()))
    found = _named(name, families)
    if form == "json":
        _write_json([asdict(feature) | _needs(feature.expression) for feature in found])
        return
    for feature in found:
        _write_facts({"name": feature.name, "family": feature.family, "description": feature.description}, feature.expression)


def check_expression(*, expression: str, form: str) -> None:
    """Write what an expression needs to standard output.

    Raises
    ------
    ExpressionError, LookAheadError
        If it is no factor of the bars.
    """
    needs = _needs(expression)
    if form == "json":
        _write_json({"expression": expression} | needs)
        return
    _write_facts({}, expression)


def _all_families(deployment: Deployment) -> Mapping[str, FeatureFamily]:
    """Those that are assets, and the other built-in ones."""
    return {**FAMILIES, **deployment.of(families)}


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


def _needs(expression: str) -> dict[str, Any]:
    needs = asdict(inspect(expression))
    return {key: list(value) if isinstance(value, tuple) else value for key, value in needs.items()}


def _write_facts(facts: Mapping[str, str], expression: str) -> None:
    needs = _needs(expression)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    shown = {
        **facts,
        "expression": expression,
        "look-back": f"{needs['lookback_sessions']} sessions before the current one",
        "fields": ", ".join(f"${field}" for field in needs["fields"]),
        "operators": ", ".join(needs["operators"]),
    }
    for heading, text in shown.items():
        table.add_row(heading, Text(text))
    write_table(console(), table)


def _write_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
