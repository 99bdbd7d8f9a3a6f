"""How signals of a file of bars are written."""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.table import Table
from rich.text import Text

from ats_assets.cli.predict.row_output import SHOWN, model_as_json, write_rows
from ats_assets.runs.bar_signals.signals_of_bars import BarSignals
from ats_assets.runs.writing import console, say, write_table

NAMED = 10
"""Symbols without a signal that are named one by one."""


def write_bar_signals(made: BarSignals, provenance: Sequence[str], *, form: str, output: Path | None) -> None:
    """Write the signals; what they were made of, and who has none, to standard error."""
    for line in (*provenance, *made.notes):
        say(line)
    for symbol, reason in made.left_out.head(NAMED).iter_rows():
        say(f"no signal for {symbol}: {reason}")
    if made.left_out.height > NAMED:
        say(f"no signal for {made.left_out.height - NAMED} more symbols; --format json names them")
    if output is None and form == "table":
        _show_signals(made)
        return
    whole = {
        "session": str(made.session),
        "for_open_of": str(made.for_open_of) if made.for_open_of else None,
        "models": {name: model_as_json(record) for name, record in made.records.items()},
        "signals": json.loads(made.rows.drop("session", "model_session").with_columns(pl.col(pl.Float64).fill_nan(None)).write_json()),
        "left_out": made.left_out.to_dicts(),
        "notes": list(made.notes),
    }
    write_rows(made.rows, whole, form=form, output=output)


def _show_signals(made: BarSignals) -> None:
    out, table = console(), Table(box=None, padding=(0, 2, 0, 0))
    models = ", ".join(f"{name} of {record.fitted_session}" for name, record in made.records.items())
    of = f" for the open of {made.for_open_of}" if made.for_open_of else ""
    out.print(Text(f"Signals of {made.session}{of}, {models}", style="bold"))
    shares = ("probability", "lower", "upper", "confidence", "size")
    for name in ("rank", "symbol", "direction", "score", *shares, "regime"):
        table.add_column(name, justify="left" if name in {"symbol", "direction"} else "right")
    for row in made.rows.head(SHOWN).iter_rows(named=True):
        told = ["–" if row[name] is None else f"{row[name]:+.1%}" if name in {"lower", "upper"} else f"{row[name]:.1%}" for name in shares]
        regime = "–" if row["regime"] is None else str(row["regime"])
        table.add_row(str(row["rank"]), Text(row["symbol"]), row["direction"], f"{row['score']:+.4f}", *told, regime)
    write_table(out, table)
    if made.rows.height > SHOWN:
        say(f"the best {SHOWN} of {made.rows.height:,} symbols; --format csv or --output has all")
