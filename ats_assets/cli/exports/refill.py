"""`ats exports refill`: a store brought to what the warehouse has."""

from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.exports.exporting import export_sessions
from ats_assets.runs.chosen_export import chosen_export
from ats_assets.runs.writing import console, say
from ats_assets.settings import load_settings


def refill(name: str, *, first: date | None, last: date | None, everything: bool) -> None:
    """Export the sessions, and say how many."""
    deployment = Deployment(load_settings())
    chosen = chosen_export(deployment, name, first, last)
    made = export_sessions(deployment, chosen.export, chosen.tables, chosen.sessions, again=everything, told=say)
    written = len(made.sessions) - len(made.had)
    had = f", {len(made.had)} it had already" if made.had else ""
    console().print(f"exports.{name}: {how_many(written, 'session')} with {how_many(made.rows, 'row')} written{had}.")
