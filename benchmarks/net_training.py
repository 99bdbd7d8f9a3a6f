"""An epoch of training beside qlib's at equal batches, in one run: its LSTM and its Transformer on 60 sessions of six series, and ours of the same sizes.

Usage: python benchmarks/net_training.py [--rows 4000] [--rounds 2] [--threads 1 2] [--processor-time] [--json]

Both have batches of 2,000 rows, float32 and the same number of weights, but that our Transformer's line to the score is of all steps (of 560,000 weights 3,776 more); only the forward and backward passes and the optimiser are timed, in turns, and the best of the
rounds counts: of the wall clock, or of the processor's time, which tells more where others work beside it. The goal is to be at least as fast.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.models.learners.lstm import LstmSettings, Recurrence  # noqa: E402
from ats_assets.models.learners.transformer import TemporalAttention, TransformerSettings  # noqa: E402
from ats_assets.models.nets.net_inputs import NetInputs, input_plan, net_inputs  # noqa: E402
from ats_assets.models.nets.net_objectives import net_objective  # noqa: E402
from ats_assets.models.nets.net_training import trained  # noqa: E402
from ats_assets.models.training_set import CrossSections  # noqa: E402

BATCH, SESSION, LENGTH = 2_000, 500, 60
SERIES = ("CLOSE", "OPEN", "HIGH", "LOW", "VWAP", "VOLUME")
NAMES = tuple(f"{series}{age}" for series in SERIES for age in reversed(range(LENGTH)))
SHARED = {"inputs": "prices", "sequence_sessions": LENGTH, "batch_rows": BATCH, "min_epochs": 1, "max_epochs": 1, "dropout": 0.0}
LSTM = LstmSettings(**SHARED, hidden=64, layers=2)
TRANSFORMER = TransformerSettings(**SHARED, width=64, heads=2, layers=2, inner_width=2_048)


def main() -> None:
    """Print a row for each net and number of threads, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    clock = time.process_time if arguments.processor_time else time.perf_counter
    found = measured(arguments.rows - arguments.rows % BATCH, arguments.rounds, arguments.threads, clock)
    if arguments.json:
        print(json.dumps(found))
        return
    print("| net | threads | qlib, rows/s | ours, rows/s | ratio |\n|---|---|---|---|---|")
    for row in found:
        print(f"| {row['net']} | {row['threads']} | {row['qlib']:,.0f} | {row['ours']:,.0f} | {row['ratio']:.1f} |")


def measured(n: int, rounds: int, threads: list[int], clock: Callable[[], float]) -> list[dict]:
    """Rows a second of both, for each net and number of threads."""
    from qlib.contrib.model import pytorch_lstm, pytorch_transformer

    random = np.random.default_rng(0)
    x = np.exp(0.1 * random.standard_normal((n, len(NAMES)))).astype(np.float32)
    y = random.standard_normal(n)
    frame, labels = pd.DataFrame(x), pd.DataFrame(y)
    plan = input_plan("prices", LENGTH, NAMES, x)
    seen = net_inputs(plan, x)
    theirs = {
        "LSTM": pytorch_lstm.LSTM(d_feat=6, hidden_size=64, num_layers=2, dropout=0.0, batch_size=BATCH, GPU=-1, seed=0),
        "Transformer": pytorch_transformer.TransformerModel(
            d_feat=6, d_model=64, nhead=2, num_layers=2, dropout=0.0, batch_size=BATCH, GPU=-1, seed=0
        ),
    }
    ours = {"LSTM": (Recurrence(LSTM), LSTM), "Transformer": (TemporalAttention(TRANSFORMER), TRANSFORMER)}
    rows = []
    for name, model in theirs.items():
        for number in threads:
            torch.set_num_threads(number)
            works = {
                "qlib": lambda model=model: model.train_epoch(frame, labels),
                "ours": lambda name=name, number=number: epoch(*ours[name], seen, y, number),
            }
            best = in_turns(works, rounds, clock)
            speed = {side: n / seconds for side, seconds in best.items()}
            rows.append({"net": name, "threads": number, **speed, "ratio": speed["ours"] / speed["qlib"]})
    return rows


def epoch(net: object, settings: LstmSettings | TransformerSettings, seen: NetInputs, y: np.ndarray, threads: int) -> None:
    """One epoch of ours, with a session of 20 rows to validate on: qlib validates in another function."""
    rows = [cross_sections(y, SESSION), cross_sections(y[:20], 20)]
    held_out = NetInputs(table=seen.table, places=seen.places[:20])
    trained(net, seen, held_out, net_objective(*rows, settings), settings, threads=threads)


def cross_sections(y: np.ndarray, symbols: int) -> CrossSections:
    """Rows of sessions of so many symbols."""
    import polars as pl

    sizes = np.full(len(y) // symbols, symbols)
    return CrossSections(keys=pl.DataFrame(), x=np.empty((len(y), 0), np.float32), y=y, returns=y, sizes=sizes)


def in_turns(works: dict[str, Callable[[], None]], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """The best time of each, in seconds."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for side, work in works.items():
            started = clock()
            work()
            best[side] = min(best[side], clock() - started)
    return best


if __name__ == "__main__":
    main()
