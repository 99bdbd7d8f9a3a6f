"""The ledger of trials: an append-only file with a line for each thing that was tried, and of each what came of it, session by session.

    <folder>/trials.jsonl              a line for each trial, in the order in which they were first begun
    <folder>/series/<key>.parquet      what came of it: returns of a backtest, ICs of a model

A trial is what was tried, not when: the same settings and code over more sessions are the same trial, whose series grows. So it has one line, written before there is a result, and a trial
that fails or is killed counts as well.

No line is ever changed. Each holds its own SHA-256 and that of the line before it, so that a line that was changed, or taken out, is found; at the
end of the file by the results that have no line any more. Lines are added under a lock, by any number of
processes; a line that a crash tore was never there. Series are Parquet files as those of the warehouse: replaced whole, with their own SHA-256.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.errors import CorruptPartitionError
from ats_assets.storage.chained_lines import ChainedLines
from ats_assets.storage.documents import Documents

LINES = "trials.jsonl"
SERIES = "series"
LOST = "trials are missing"
SERIES_SCHEMA = pl.Schema({"session": pl.Date, "as_of": pl.Date, "value": pl.Float64})
"""A figure for each session; and the session as of which it was found, since of two the newer counts."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Something that is tried.

    Parameters
    ----------
    kind
        fit, cross_validation, tuning, backtest, ...
    name
        The asset, or whatever else tries it.
    tried
        The digest of all settings and code that it comes from (`digest_of`).
    made_of
        The digests of trials that are parts of it: a backtest is made of its model, which is then no try beside it.
    chosen_from
        Of these, what competes in it: candidates for champion, models of an ensemble. Each was seen beside the others, and is a try of its own.
    measure
        What its series holds: `return` or `rank_ic`.
    what
        In words and numbers, for people.
    """

    kind: str
    name: str
    tried: str
    made_of: tuple[str, ...] = ()
    chosen_from: tuple[str, ...] = ()
    measure: str = "rank_ic"
    what: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name among files."""
        return f"{self.kind}-{self.tried[:24]}"


@dataclass(frozen=True, kw_only=True)
class RecordedTrial:
    """A trial of the ledger: when it was first begun, and what came of it so far (`SERIES_SCHEMA`, by session; None where that can't be read)."""

    trial: Trial
    begun: datetime
    series: pl.DataFrame | None


class TrialLedger:
    """The ledger in one folder.

    Parameters
    ----------
    folder
        Made at the first trial.
    fsync
        Wait for the disk; without it a lost power supply may cost the newest trials.

    Examples
    --------
    >>> import tempfile
    >>> ledger = TrialLedger(Path(tempfile.mkdtemp()))
    >>> trial = Trial(kind="backtest", name="backtest", tried="3f9a", measure="return")
    >>> ledger.begin(trial), ledger.begin(trial)  # tried twice, counted once
    (True, False)
    >>> ledger.add(trial, trial_series([date(2024, 3, 1)], [0.01], date(2024, 3, 4)))
    >>> [one.series["value"].to_list() for one in ledger.trials()]
    [[0.01]]
    """

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self.folder = folder
        self._lines = ChainedLines(folder / LINES, "the ledger of trials", fsync=fsync)
        self._documents = Documents(folder, fsync=fsync)
        self._begun: set[str] = set()

    def begin(self, trial: Trial) -> bool:
        """Record that it is tried, before it is; False where it had been already.

        Raises
        ------
        SettingsError
            If the ledger can't be written: then nothing is to be tried.
        """
        if trial.key in self._begun:
            return False
        with self._lines.writing():
            known = {_trial_of(line).key for line in self._lines.sound()}
            if trial.key not in known:
                self._lines.append(asdict(trial) | {"begun": datetime.now(UTC).isoformat(timespec="seconds")})
        self._begun.add(trial.key)
        return trial.key not in known

    def add(self, trial: Trial, series: pl.DataFrame) -> None:
        """Add to what came of it: figures by session, of which those of the newer `as_of` count, and of equal ones the last added."""
        self.begin(trial)
        with self._lines.writing():
            stored = self._series(trial)
            found = pl.concat([series, stored] if stored is not None else [series])
            newest = found.sort("session", "as_of", descending=[False, True], maintain_order=True).unique(
                "session", keep="first", maintain_order=True
            )
            if stored is None or not newest.equals(stored):
                self._documents.write_part(SERIES, trial.key, newest)

    def trials(self) -> list[RecordedTrial]:
        """Every trial, in the order in which they were begun."""
        return [RecordedTrial(trial=trial, begun=begun, series=self._series(trial)) for trial, begun in self.begun()]

    def begun(self) -> list[tuple[Trial, datetime]]:
        """Every trial with the time of its beginning, in the order in which they were begun, without what came of it."""
        return [(_trial_of(line), datetime.fromisoformat(line["begun"])) for line in self._lines.sound()]

    def fault(self) -> str | None:
        """What is wrong with the file, or None: a line that was changed or taken out, at the end by results without one. A line torn by a crash is none: it is begun again with its trial."""
        if fault := self._lines.fault(LOST):
            return fault
        known = {_trial_of(line).key for line in self._lines.sound()}
        if alone := sorted(path.stem for path in (self.folder / SERIES).glob("*.parquet") if path.stem not in known):
            return (
                f"{self.folder / SERIES} has results of {alone[0]}, of which no line of {LINES} tells: lines at its end were taken out, "
                "so that trials are missing: take the file from a backup"
            )
        return None

    def _series(self, trial: Trial) -> pl.DataFrame | None:
        if not self._documents.part(SERIES, trial.key).is_file():
            return None
        try:
            return self._documents.read_part(SERIES, trial.key)
        except CorruptPartitionError:  # the trial counts all the same, as one that resembles no other
            return None


def trial_series(sessions: Sequence[date], values: Sequence[float | None], as_of: date) -> pl.DataFrame:
    """What came of a trial, as the ledger keeps it; sessions without a value are left out."""
    frame = pl.DataFrame({"session": sessions, "as_of": [as_of] * len(sessions), "value": values}, schema=SERIES_SCHEMA)
    return frame.filter(pl.col("value").is_finite()).sort("session")


def _trial_of(line: Mapping[str, Any]) -> Trial:
    values = {name: line[name] for name in ("kind", "name", "tried", "measure", "what")}
    return Trial(made_of=tuple(line["made_of"]), chosen_from=tuple(line.get("chosen_from", ())), **values)  # older lines lack the latter
