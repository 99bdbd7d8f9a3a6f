"""`ats exports check`: what a store holds against the warehouse."""

import json
import sys
from datetime import date

import typer
from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.exports.comparing import StoreDifference, differences_of_store
from ats_assets.runs.chosen_export import chosen_export
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import console, say, write_rows
from ats_assets.settings import load_settings


def check(name: str, *, first: date | None, last: date | None, as_json: bool) -> None:
    """Write what differs to standard output; status 1 where something does."""
    deployment = Deployment(load_settings())
    chosen = chosen_export(deployment, name, first, last)
    with chosen.export.store.connected() as connection, LongJob(f"exports.{name}", len(chosen.sessions), "sessions") as job:
        remarks = connection.remarks()
        found: list[StoreDifference] = []
        for session in chosen.sessions:
            found += differences_of_store(deployment, connection, chosen.tables, session)
            job.step(now=str(session))
    for remark in remarks:
        say(f"exports.{name}: {remark}")
    if as_json:
        told = [{"asset": one.asset, "session": one.session.isoformat(), "text": one.text} for one in found]
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    elif found:
        write_rows(console(), [tuple(map(Text, (one.asset, str(one.session), one.text))) for one in found])
        say(f"{how_many(len(found), 'partition differs', 'partitions differ')}: ats exports refill {name}")
    else:
        console().print(f"{how_many(len(chosen.sessions), 'session')} of {', '.join(chosen.export.assets)}: the same as the warehouse.")
    if found or remarks:
        raise typer.Exit(1)
