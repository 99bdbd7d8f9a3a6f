"""What pruning and processes save in a tuning of LightGBM, in one run: the same trials with and without pruning, by one process and by several of a thread each.

Usage: python benchmarks/tuning.py [--symbols 300] [--sessions 252] [--features 60] [--trials 20] [--processes 2] [--json]

Also compared: that any number of processes comes to the same trials, and how good the chosen ones are with pruning and without. Starting the processes is part of their time.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.calendar import session_calendar  # noqa: E402
from ats_assets.deployment import Deployment  # noqa: E402
from ats_assets.models import Model, TrainingWindow  # noqa: E402
from ats_assets.models.choosing import models  # noqa: E402
from ats_assets.models.labelled_rows import LabelledRows  # noqa: E402
from ats_assets.models.training_set import CrossSections  # noqa: E402
from ats_assets.settings import KnownAfter, TuningSettings, load_settings  # noqa: E402
from ats_assets.storage.worker_processes import WorkerProcesses  # noqa: E402
from ats_assets.tuning.search_space import search_space  # noqa: E402
from ats_assets.tuning.study import study  # noqa: E402
from ats_assets.tuning.trial_work import attempt_task, attempts_by  # noqa: E402
from ats_assets.tuning.tried_trials import AskedTrial, TriedTrial, chosen_trial  # noqa: E402
from ats_assets.tuning.tuned_rows import TunedRows, try_parameters, tuned_rows  # noqa: E402

Trials = list[TriedTrial]


def main() -> None:
    """Print the times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=300)
    parser.add_argument("--sessions", type=int, default=252)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    settings = load_settings(models={"lightgbm": {}}, tuning={"models": ("lightgbm",), "trials": asked.trials}, training={"threads": 1})
    (model,) = models(Deployment(settings)).values()
    data = market(asked.sessions, asked.symbols, asked.features)
    rows = tuned_rows(data, settings.training, settings.tuning)
    unpruned = settings.tuning.model_copy(update={"pruning": "none"})
    found: dict[str, tuple[float, Trials]] = {
        "every fold": timed(lambda: in_one(model, rows, unpruned)),
        "pruned": timed(lambda: in_one(model, rows, settings.tuning)),
        f"pruned, {asked.processes} processes": timed(lambda: in_many(model, rows, settings.tuning, asked.processes)),
    }
    whole, pruned, parallel = found.values()
    assert [one.folds for one in pruned[1]] == [one.folds for one in parallel[1]], "processes change the result"
    told = {
        "seconds": {name: round(seconds, 1) for name, (seconds, _) in found.items()},
        "fits": {name: sum(one.fits for one in trials) for name, (_, trials) in found.items()},
        "rank IC of the chosen": {name: round(chosen(trials, settings.tuning), 4) for name, (_, trials) in found.items()},
        "time saved by pruning": f"{whole[0] / pruned[0]:.2f} times as fast",
        "by processes": f"{pruned[0] / parallel[0]:.2f} times as fast",
        "by both": f"{whole[0] / parallel[0]:.2f} times as fast",
    }
    print(json.dumps(told, indent=1) if asked.json else "\n".join(f"{name}: {value}" for name, value in told.items()))


def market(sessions: int, symbols: int, features: int) -> LabelledRows:
    """Rows with a weak signal in two features together, beside noise."""
    random, calendar = np.random.default_rng(1), session_calendar("XNYS", date(2015, 1, 1))
    x = random.standard_normal((sessions * symbols, features)).astype(np.float32)
    y = 0.05 * np.sign(x[:, 0] * x[:, 1]) + 0.03 * x[:, 2] + random.standard_normal(len(x))
    days, names = calendar.window(calendar.offset(calendar.first, sessions), sessions), [f"S{i:04d}" for i in range(symbols)]
    keys = pl.DataFrame({"session": [day for day in days for _ in names], "symbol": names * sessions})
    decided = np.repeat([calendar.position(day) for day in days], symbols).astype(np.int64)
    window = TrainingWindow(
        session=calendar.offset(days[-1], 6), train=tuple(days), validation=(), label_sessions=(), known_after=KnownAfter(first=6, last=6)
    )
    cross = CrossSections(keys=keys, x=x, y=y, returns=y, sizes=np.full(sessions, symbols, dtype=np.int64))
    return LabelledRows(window=window, features=tuple(f"f{i}" for i in range(features)), rows=cross, decided=decided, known=decided + 6)


def timed(work: Callable[[], Trials]) -> tuple[float, Trials]:
    """Seconds, and the result."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def in_one(model: Model, rows: TunedRows, settings: TuningSettings) -> Trials:
    """All trials by this process and one thread."""

    def attempt(asked: Sequence[AskedTrial]) -> Iterable[TriedTrial]:
        return (try_parameters(model, rows, one, threads=1) for one in asked)

    return study(model, search_space(model, settings), settings, attempt)


def in_many(model: Model, rows: TunedRows, settings: TuningSettings, processes: int) -> Trials:
    """All trials by several processes of a thread each."""
    with tempfile.TemporaryDirectory() as folder, WorkerProcesses(attempt_task, processes) as workers:
        attempt = attempts_by(workers, model, rows, Path(folder), plugins=Path("plugins"), threads=1)
        return study(model, search_space(model, settings), settings, attempt)


def chosen(trials: Trials, settings: TuningSettings) -> float:
    """The rank IC of the chosen trial."""
    number, _ = chosen_trial(trials, penalty=settings.penalty, margin=settings.margin)
    return trials[number].rank_ic or 0.0


if __name__ == "__main__":
    main()
