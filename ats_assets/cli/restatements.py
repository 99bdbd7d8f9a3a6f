"""`ats restatements`: what a vendor changed in the sessions that it delivered anew."""

import json
import sys
from dataclasses import asdict
from datetime import date

from rich.table import Table

from ats_assets.cli.writing import console, write_table
from ats_assets.deployment import Deployment
from ats_assets.lineage.restatements import changed_rows
from ats_assets.lineage.restatements import restatements as by_symbol
from ats_assets.settings import load_settings

SHOWN = 30
"""Symbols in the table."""


def restatements(*, first: date | None, last: date | None, as_json: bool) -> None:
    """Write the changes by symbol to standard output."""
    warehouse = Deployment(load_settings()).warehouse
    sessions = [day for day in warehouse.sessions("raw_bars") if (first or date.min) <= day <= (last or date.max)]
    rows = changed_rows(warehouse, sessions)
    found = by_symbol(rows)
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in found], indent=2, default=str, ensure_ascii=False) + "\n")
        return
    out = console()
    if not found:
        out.print(f"No row of {len(sessions)} sessions differs from the vintage before.")
        return
    table = Table("symbol", "what", "sessions", "from", "to", "median size by field", box=None, padding=(0, 2, 0, 0))
    for one in found[:SHOWN]:
        sizes = ", ".join(f"{name} {'?' if size is None else f'{size:.2%}'}" for name, size in one.fields.items())
        table.add_row(
            one.symbol, one.kind + (f" {one.split}?" if one.split else ""), str(one.sessions), str(one.first), str(one.last), sizes
        )
    write_table(out, table)
    more = f" ({SHOWN} of them shown; --json lists all)" if len(found) > SHOWN else ""
    out.print(
        f"{rows.height} rows in {rows['session'].n_unique()} sessions differ from the vintage before: {rows['symbol'].n_unique()} symbols{more}."
    )
