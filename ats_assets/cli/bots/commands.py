"""`ats bots commands`: what people can ask the bots."""

import json
import sys

from rich.table import Table
from rich.text import Text

from ats_assets.bots.catalogue import catalogue
from ats_assets.runs.writing import console, write_table


def list_commands(*, as_json: bool) -> None:
    """Write a line a command to standard output."""
    commands = catalogue().values()
    if as_json:
        rows = [
            {"name": one.name, "role": one.role.word, "synopsis": one.synopsis, "help": one.help, "confirmed": one.confirmed}
            for one in commands
        ]
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return
    table = Table("command", "role", "confirmed", "", box=None, padding=(0, 2, 0, 0))
    for one in commands:
        table.add_row(Text(one.synopsis), one.role.word, str(one.confirmed or "-"), Text(one.help))
    write_table(console(), table)
