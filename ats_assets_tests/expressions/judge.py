"""Decides between the engine and qlib where their values differ: which of them equals the calculation from scratch, and whether rounding alone decides."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from ats_assets_tests.expressions.differences import aligned, differing, near
from ats_assets_tests.expressions.expression_oracle import Coarse, Exact, Rows, Shaken

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
TRIALS = 60


@dataclass
class Verdict:
    """Numbers of values: all, those where qlib is off, those that rounding decides; and the others, which the engine has wrong."""

    values: int
    qlib_off: dict[str, int] = field(default_factory=dict)
    rounding: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def shares(self) -> tuple[float, float]:
        """Of the values where qlib is off, and of those that rounding decides."""
        return sum(self.qlib_off.values()) / self.values, sum(self.rounding.values()) / self.values


def judge(
    ours: pl.DataFrame, theirs: pl.DataFrame, panel: pl.DataFrame, sessions: Sequence[date], expressions: Mapping[str, str]
) -> Verdict:
    """Compare results for a panel in which each symbol has a row in every session from its first to its last."""
    theirs = aligned(ours, theirs)
    symbols = ours["symbol"].to_numpy()
    rows = _rows(panel, sessions)
    exact = Exact(rows)
    verdict = Verdict(ours.height * len(expressions))
    for name, off in differing(ours, theirs, list(expressions)).items():
        for symbol in np.unique(symbols[off]):
            of_symbol = np.flatnonzero(symbols == symbol)
            open_cases = np.isin(of_symbol, off)
            mine = ours[name].to_numpy()[of_symbol].astype(np.float64)
            truth = exact.column(expressions[name], symbol).astype(np.float64)
            right = near(mine, truth)
            unsure = np.zeros_like(right)
            for trial in _trials(rows):
                if not (open_cases & ~right & ~unsure).any():
                    break
                unsure |= ~near(trial.column(expressions[name], symbol).astype(np.float64), truth, 0.1)
            _add(verdict.qlib_off, name, open_cases & right)
            _add(verdict.rounding, name, open_cases & ~right & unsure)
            for row in of_symbol[open_cases & ~right & ~unsure]:
                place = int(np.searchsorted(of_symbol, row))
                verdict.wrong.append(
                    f"{expressions[name]}: {symbol} row {place}: {mine[place]}, truth {truth[place]}, qlib {theirs[name][int(row)]}"
                )
    return verdict


def _add(counts: dict[str, int], name: str, cases: np.ndarray) -> None:
    if cases.any():
        counts[name] = counts.get(name, 0) + int(cases.sum())


def _trials(rows: dict[str, Rows]) -> Iterator[Exact]:
    yield from (Coarse(rows, shift) for shift in (0.0, 0.5))
    yield from (Shaken(rows, seed) for seed in range(TRIALS))


def _rows(panel: pl.DataFrame, sessions: Sequence[date]) -> dict[str, Rows]:
    places = {day: number for number, day in enumerate(sessions)}
    result = {}
    for (symbol,), rows in panel.sort("session").group_by(["symbol"], maintain_order=True):
        columns = {name: rows[name].cast(pl.Float32).fill_null(float("nan")).to_numpy() for name in FIELDS if name in rows.columns}
        assert places[rows["session"][-1]] - places[rows["session"][0]] + 1 == rows.height
        result[str(symbol)] = Rows(places[rows["session"][0]], columns)
    return result
