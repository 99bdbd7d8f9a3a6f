"""`ats experiment compare`: the variants of an experiment side by side."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ats_assets.reports.formatting import decimal, multiple, percent
from ats_assets.reports.json_form import without_nan
from ats_assets.runs.experiments.experiment_table import VariantFigures, compared_variants
from ats_assets.runs.writing import console, write_table
from ats_assets.settings.experiment_file import read_experiment

FIGURES = ("rank IC", "t", "Sharpe", "deflated", "return a year", "drawdown", "turnover a year", "costs a year")


def compare(*, file: Path, as_json: bool) -> None:
    """Write the table, or JSON, to standard output."""
    rows = compared_variants(read_experiment(file))
    if as_json:
        sys.stdout.write(json.dumps(without_nan([asdict(row) for row in rows]), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        show_table(rows)


def show_table(rows: Sequence[VariantFigures]) -> None:
    """A line for each variant, with a column for each setting that differs."""
    names = list(dict.fromkeys(name for row in rows for name in row.differs))
    table = Table(box=None, pad_edge=False)
    for name in ("variant", *(name.rsplit(".", 1)[-1] for name in names)):
        table.add_column(name, overflow="fold")
    for name in FIGURES:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        own = [str(row.differs.get(name, "")) for name in names]
        figures = (
            decimal(row.rank_ic, 4, signed=True),
            decimal(row.rank_ic_t, 1, signed=True),
            decimal(row.sharpe),
            percent(row.deflated_sharpe),
            percent(row.annual_return, 1, signed=True),
            percent(row.max_drawdown),
            multiple(row.turnover_a_year),
            percent(row.costs_a_year, 2),
        )
        table.add_row(
            *map(Text, (row.variant, *own)),
            *(figures if _traded(row) else ("no trades" if row.done else "not run", *[""] * (len(FIGURES) - 1))),
        )
    out = console()
    write_table(out, table)
    if idle := next((row.variant for row in rows if row.done and not _traded(row)), None):
        out.print(
            f"No trades: `ats signals` with the settings of a variant says why, that of {idle} for one (ATS_SETTINGS=…/{idle}/ats.toml)."
        )
    done = sum(row.sharpe is not None for row in rows)
    out.print(f"Deflated: the probability that the true Sharpe ratio is above zero although it was one of {done} that were tried here.")


def _traded(row: VariantFigures) -> bool:
    """Whether there is anything to show: a variant whose history is too short for a model has neither scores nor a backtest."""
    return row.done and (row.sessions or row.rank_ic) is not None
