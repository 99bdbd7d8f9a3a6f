"""`ats bots audit`: the bots' own audit trail."""

import json
import sys

from rich.table import Table
from rich.text import Text

from ats_assets.cli.bots.run import open_people
from ats_assets.runs.writing import console, say, write_table
from ats_assets.settings import load_settings


def show_audit(*, limit: int, as_json: bool) -> None:
    """Write its newest lines to standard output, the newest first."""
    store, _ = open_people(load_settings())
    with store:
        rows = store.audited(limit)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2, default=str, ensure_ascii=False) + "\n")
        return
    if not rows:
        say("nothing was asked of the bots yet")
        return
    table = Table("time (UTC)", "person", "place", "what", "", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(f"{row['at']:%Y-%m-%d %H:%M:%S}", *(Text(str(row[name])) for name in ("person", "place", "what", "text")))
    write_table(console(), table)
