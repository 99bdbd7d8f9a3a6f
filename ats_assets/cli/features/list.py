"""`ats features list`: the registry."""

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.features.choosing import families, model_families
from ats_assets.runs.feature_facts import all_families, print_json
from ats_assets.runs.writing import console, say, write_table
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
