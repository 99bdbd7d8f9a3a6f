"""The Transformer trained on a GPU in float32 and in bfloat16: throughput, memory, and whether its skill is the same within what seeds differ by.

Usage: python benchmarks/transformer_gpu.py [--device cuda] [--symbols 500] [--sessions 500] [--features 158] [--epochs 6] [--seeds 5] [--json FILE]

The market is planted: returns follow a pattern of the last 20 sessions of one feature, with an information coefficient of 0.1. Where PyTorch sees no GPU the script says
that it was not run, and ends well. `--device cpu` tries it out, in float32 alone.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import torch

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.models.learners.transformer import TemporalAttention, TransformerSettings  # noqa: E402
from ats_assets.models.nets.net_inputs import InputPlan, NetInputs, input_plan, net_inputs  # noqa: E402
from ats_assets.models.nets.net_objectives import net_objective  # noqa: E402
from ats_assets.models.nets.net_training import TrainedNet, trained  # noqa: E402
from ats_assets.models.sequences import Sequences  # noqa: E402
from ats_assets.models.training_set import CrossSections  # noqa: E402

LENGTH, IC = 20, 0.1
PATTERN = np.array([0.0] + [1.0] * 9 + [-1.0] * 10) / np.sqrt(19)


def main() -> None:
    """Print what was found, or that nothing was run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    for name, number in (("symbols", 500), ("sessions", 500), ("features", 158), ("epochs", 6), ("seeds", 5)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        found = {"run": False, "why": f"PyTorch {torch.__version__} sees no GPU here"}
        print(f"not run: {found['why']}")
    else:
        found = measured(arguments.device, (arguments.symbols, arguments.sessions, arguments.features), arguments.epochs, arguments.seeds)
        show(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


def measured(device: str, size: tuple[int, int, int], epochs: int, seeds: int) -> dict:
    """Of each precision rows a second, memory, and the skill of each seed on sessions that were not trained on; and whether they differ by more than seeds do."""
    symbols, sessions, _ = size
    plan, sequences, rows = market(*size)
    cut = (sessions * 4 // 5) * symbols
    parts = [part(rows, slice(0, cut), symbols), part(rows, slice(cut, None), symbols)]
    inputs = net_inputs(plan, sequences)
    seen, held_out = (NetInputs(table=inputs.table, places=inputs.places[at]) for at in (slice(0, cut), slice(cut, None)))
    results = []
    for precision in ("float32", "bfloat16") if device == "cuda" else ("float32",):
        skills, seconds, steps = [], 0.0, 0
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        for seed in range(seeds + (device == "cuda")):
            settings = TransformerSettings(
                device=device,
                precision=precision,
                seed=seed,
                sequence_sessions=LENGTH,
                width=64,
                layers=2,
                inner_width=128,
                min_epochs=epochs,
                max_epochs=epochs,
                batch_rows=8_192,
            )
            started = time.perf_counter()
            found = trained(TemporalAttention(settings), seen, held_out, net_objective(*parts, settings), settings)
            if seed == 0 and device == "cuda":
                continue  # the first one also compiles and warms up
            seconds, steps = seconds + time.perf_counter() - started, steps + cut * epochs
            skills.append(skill(found))
        memory = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else None
        results.append({"precision": precision, "rows_per_second": steps / seconds, "peak_mib": memory, "ic": skills})
    return {"run": True, "device": torch.cuda.get_device_name() if device == "cuda" else "cpu", "results": results, "same": same(results)}


def market(symbols: int, sessions: int, features: int) -> tuple[InputPlan, Sequences, tuple[np.ndarray, np.ndarray]]:
    """Sequences of features of which the first tells, and the label as a centred rank, by session."""
    random = np.random.default_rng(20)
    values = random.standard_normal((sessions + LENGTH, symbols, features)).astype(np.float32)
    table = values.reshape(-1, features)
    decided = np.arange(LENGTH, sessions + LENGTH)
    ages = np.arange(LENGTH - 1, -1, -1)
    places = ((decided[:, None, None] - ages) * symbols + np.arange(symbols)[None, :, None]).reshape(-1, LENGTH).astype(np.int32)
    signal = sum(weight * values[decided - age, :, 0] for age, weight in enumerate(PATTERN))
    returns = 0.02 * (IC * signal + np.sqrt(1 - IC**2) * random.standard_normal(signal.shape))
    y = (returns.argsort(axis=1).argsort(axis=1) + 0.5) / symbols - 0.5
    plan = input_plan("features", LENGTH, tuple(f"f{i}" for i in range(features)), table[:: max(1, len(table) // 50_000)])
    return plan, Sequences(table=table, places=places), (y.ravel(), returns.ravel())


def part(rows: tuple[np.ndarray, np.ndarray], at: slice, symbols: int) -> CrossSections:
    y, returns = (values[at] for values in rows)
    sizes = np.full(len(y) // symbols, symbols)
    return CrossSections(keys=pl.DataFrame(), x=np.empty((len(y), 0), np.float32), y=y, returns=returns, sizes=sizes)


def skill(found: TrainedNet) -> float:
    """The information coefficient of the last epoch."""
    return found.figures[-1]


def same(results: list[dict]) -> bool | None:
    """Whether the mean skills differ by less than two standard errors of their difference over the seeds; None of one precision."""
    if len(results) < 2 or len(results[0]["ic"]) < 2:
        return None
    a, b = (np.array(one["ic"]) for one in results)
    return bool(abs(a.mean() - b.mean()) < 2 * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)) + 1e-12)


def show(found: dict) -> None:
    print(f"{found['device']}\n\n| precision | rows/s | peak MiB | IC over seeds |\n|---|---|---|---|")
    for row in found["results"]:
        ics, memory = np.array(row["ic"]), "" if row["peak_mib"] is None else f"{row['peak_mib']:,.0f}"
        print(
            f"| {row['precision']} | {row['rows_per_second']:,.0f} | {memory} | {ics.mean():.4f} ± {ics.std(ddof=1) if len(ics) > 1 else 0:.4f} |"
        )
    if found["same"] is not None:
        print(f"\nskill is {'the same' if found['same'] else 'NOT the same'} within two standard errors over the seeds")


if __name__ == "__main__":
    main()
