"""`ats bots people`: who may use the bots."""

import json
import sys

from rich.table import Table
from rich.text import Text

from ats_assets.cli.bots.run import open_people
from ats_assets.runs.writing import console, say, write_table
from ats_assets.settings import load_settings


def list_people(*, as_json: bool) -> None:
    """Write a line a person to standard output."""
    store, people = open_people(load_settings())
    with store:
        listed = people.listed()
    if as_json:
        rows = [{"id": person.id, "role": person.role.word, "name": person.name, "revoked": revoked} for person, revoked in listed]
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return
    if not listed:
        say("bots.people names nobody, so the bots answer nobody: a stranger is told their id, which belongs there")
        return
    table = Table("id", "role", "name", box=None, padding=(0, 2, 0, 0))
    for person, revoked in listed:
        table.add_row(person.id, "revoked" if revoked else person.role.word, Text(person.name))
    write_table(console(), table)
