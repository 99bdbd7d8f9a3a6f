"""Whether each learner finds a planted IC of 0.05, and none where there is none, by its own defaults: the table of docs/models.md.

Usage: python benchmarks/planted_edges.py [--learners ridge lightgbm …] [--seeds 20] [--first-seed 0] [--json]

Two kinds of market, each with an edge of 0.05 and with none, each seed another market:

- rows: the synthetic market of 160 symbols and 293 sessions, four factors of its bars, forward returns over five sessions, monthly refits on 120 sessions, scores that are all out of
  sample (`ats_assets_tests/test_planted_edges_of_many_seeds.py`, whose short forms are tests);
- sequences, for learners that look at several sessions: a pattern of twenty sessions of which today's row tells nothing, 160 symbols, 400 sessions to learn from, 250 that are judged
  (`ats_assets_tests/models/learners/test_planted_sequences.py`).

The verdict is that of the skill summary: an edge is a mean rank IC of three standard errors. Figures are of `--seeds` markets; the nets take minutes each.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.evaluation import SkillSummary  # noqa: E402
from ats_assets.models import Model  # noqa: E402
from ats_assets.plugins import LEARNERS  # noqa: E402

LARGE = {"symbols": 160, "learnt": 400, "judged": 250}
LENGTH, EDGE = 20, 0.05
HEAD = ("learner", "market", "seeds", "edge of 0.05 found", "its rank IC", "no edge where there is none", "processor s a market")
ZOO_OF_ROWS = ("LGB", "XGB", "Linear", "MLP")
ZOO_OF_SEQUENCES = ("LSTM", "GRU", "ALSTM", "TCN", "Transformer", "Localformer", "TRA")
ROWS = (
    "lightgbm",
    "xgboost",
    "random_forest",
    "extra_trees",
    "ridge",
    "elastic_net",
    "logistic",
    *(f"qlib_zoo {one}" for one in ZOO_OF_ROWS),
)
SEQUENCES = ("dlinear", "lstm", "transformer", *(f"qlib_zoo {one}" for one in ZOO_OF_SEQUENCES))


def main() -> None:
    """Print a row of the table for each learner."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", nargs="+", default=[*ROWS, *SEQUENCES], metavar="KIND")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    found: dict[str, dict[float, list[SkillSummary]]] = {name: {EDGE: [], 0.0: []} for name in arguments.learners}
    seconds = dict.fromkeys(found, 0.0)
    with tempfile.TemporaryDirectory() as root:
        for seed, ic, name in product(seeds, (EDGE, 0.0), found):
            before = processor_seconds()
            found[name][ic].append((of_rows if name in ROWS else of_sequences)(of_defaults(name), seed, ic, root))
            seconds[name] += processor_seconds() - before
    rows = [learner_row(name, found[name], seconds[name] / (2 * len(seeds))) for name in found]
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        print("\n".join([f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|", *map(shown, rows)]))


def learner_row(name: str, found: dict[float, list[SkillSummary]], seconds: float) -> dict[str, Any]:
    """Verdicts, rank ICs and the processor's seconds a market of one learner; a first one includes the market and imports."""
    ics = [one.horizons[0].mean_rank_ic for one in found[EDGE]]
    return {
        "learner": name,
        "market": "rows" if name in ROWS else "sequences",
        "seeds": len(ics),
        "edges": sum(one.verdict == "edge" for one in found[EDGE]),
        "rank_ics": [round(one, 4) for one in ics if one is not None],
        "no_edges": sum(one.verdict == "no edge" for one in found[0.0]),
        "seconds": round(seconds, 1),
    }


def shown(found: dict[str, Any]) -> str:
    """The same as a row in Markdown."""
    ics, seeds = found["rank_ics"], found["seeds"]
    told = f"{statistics.mean(ics):.3f} ({min(ics):.3f} to {max(ics):.3f})"
    kind, _, model = found["learner"].partition(" ")
    cells = (
        f"`{kind}`{' ' + model if model else ''}",
        found["market"],
        seeds,
        f"{found['edges']} of {seeds}",
        told,
        f"{found['no_edges']} of {seeds}",
    )
    return "| " + " | ".join(str(one) for one in (*cells, found["seconds"])) + " |"


def of_defaults(name: str) -> Model:
    """The learner with no setting but, of qlib's nets of sequences, their length."""
    kind, _, model = name.partition(" ")
    values: dict[str, Any] = {"model": model} if model else {}
    if model in ZOO_OF_SEQUENCES:
        values["sequence_sessions"] = LENGTH
    learner = LEARNERS.made(kind, values)
    return Model(name="one", kind=kind, learner=learner, quick=learner)


def of_rows(model: Model, seed: int, ic: float, root: str) -> SkillSummary:
    """The skill in one synthetic market."""
    from ats_assets_tests.test_planted_edges_of_many_seeds import summary

    return summary(root, seed, ic, model=model)


def of_sequences(model: Model, seed: int, ic: float, _: str) -> SkillSummary:
    """The skill in one market of a pattern over sessions."""
    from ats_assets_tests.models.planted_sequences import out_of_sample, pattern_market

    found: SkillSummary = out_of_sample(model, pattern_market(ic, seed, **LARGE))
    return found


def processor_seconds() -> float:
    """Of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
