"""`ats features list`: the registry."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.features.choosing import families, model_families
from ats_assets.runs.feature_facts import print_json
from ats_assets.runs.writing import console, say, write_table
from ats_assets.serving.queries.feature_registry import all_families, family_records, feature_figures, shown_figure, shown_share
from ats_assets.settings import load_settings


def list_features(*, family: str | None, form: str) -> None:
    """Write the registry, or one family of it, to standard output."""
    deployment = Deployment(load_settings())
    known = all_families(deployment)
    if family is not None and family not in known:
        raise typer.BadParameter(f"there is no family {family!r}: choose one of {', '.join(known)}", param_hint="--family")
    chosen = known if family is None else {family: known[family]}
    features = [feature for each in chosen.values() for feature in each.features]
    if form == "json":
        print_json([asdict(feature) for feature in features])
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("name", "family", "look-back", "what it is"):
        table.add_column(heading, justify="right" if heading == "look-back" else "left")
    for feature in features:
        table.add_row(feature.name, feature.family, str(feature.lookback_sessions), Text(feature.description or feature.expression))
    write_table(console(), table)
    say(
        f"{how_many(len(features), 'feature')}. Assets: {', '.join(deployment.of(families))}; the model uses {', '.join(deployment.of(model_families))}"
    )


def list_stored(*, family: str | None, form: str, sessions: int, clusters: bool) -> None:
    """Write what is stored of the families to standard output: whose each is, how fresh, who uses it, and the figures of its features."""
    deployment = Deployment(load_settings())
    records = family_records(deployment)
    if family is not None and family not in records:
        raise typer.BadParameter(f"there is no family {family!r}: the assets are {', '.join(records)}", param_hint="--family")
    chosen = {name: record for name, record in records.items() if family in {None, name}}
    figures = {name: feature_figures(deployment, name, sessions=sessions, clusters=clusters) for name in chosen}
    if form == "json":
        made = [
            asdict(record) | {"newest": record.newest and str(record.newest), "features": list(figures[name].values())}
            for name, record in chosen.items()
        ]
        print_json(made)
        return
    table = _table("family", "owner", "newest", "state", "used by")
    for name, record in chosen.items():
        table.add_row(name, Text(record.owner or "-"), str(record.newest or "-"), record.state, ", ".join(record.used_by) or "-")
    write_table(console(), table)
    columns = ("feature", "family", "rows", "missing", "mean", "deviation", "1%", "25%", "50%", "75%", "99%", "PSI")
    table = _table(*columns, *(["cluster"] if clusters else []), left=("feature", "family", "cluster"))
    for name, of_family in figures.items():
        for one in of_family.values():
            table.add_row(*_cells(name, one), *([one["cluster"]] if clusters else []))
    console().print()
    write_table(console(), table)
    for record in chosen.values():
        for alarm in record.drift:
            say(f"drift: {alarm}")


def _table(*headings: str, left: tuple[str, ...] | None = None) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="left" if left is None or heading in left else "right")
    return table


def _cells(family: str, one: Mapping[str, Any]) -> list[str]:
    quantiles = [shown_figure(value) for value in one["quantiles"] or [None] * 5]
    figures = [shown_figure(one["mean"]), shown_figure(one["deviation"]), *quantiles, shown_figure(one["psi"])]
    return [one["name"], family, f"{one['rows']:,}", shown_share(one["missing_share"]), *figures]
