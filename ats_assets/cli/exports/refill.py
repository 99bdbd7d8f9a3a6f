"""`ats exports refill`: a store brought to what the warehouse has."""

from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.exports.exporting import export_sessions
from ats_assets.runs.chosen_export import chosen_export
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import console, say
from ats_assets.settings import load_settings

AT_ONCE = 25
"""Sessions by one connection, after which it is said how far it has come."""


def refill(name: str, *, first: date | None, last: date | None, everything: bool) -> None:
    """Export the sessions, and say how many."""
    deployment = Deployment(load_settings())
    chosen = chosen_export(deployment, name, first, last)
    told: dict[str, None] = {}

    def tell(remark: str) -> None:
        if remark not in told:  # a remark of the store comes with each connection
            say(remark)
        told[remark] = None

    n_had = n_rows = 0
    with LongJob(f"exports.{name}", len(chosen.sessions), "sessions") as job:
        for begin in range(0, len(chosen.sessions), AT_ONCE):
            some = chosen.sessions[begin : begin + AT_ONCE]
            made = export_sessions(deployment, chosen.export, chosen.tables, some, again=everything, told=tell)
            n_had, n_rows = n_had + len(made.had), n_rows + made.rows
            job.step(len(some))
    had = f", {n_had} it had already" if n_had else ""
    console().print(f"exports.{name}: {how_many(len(chosen.sessions) - n_had, 'session')} with {how_many(n_rows, 'row')} written{had}.")
