"""Models on Alpha158 of the S&P panel, by qlib and by this project: the same bars, labels, folds and seeds; skill, time and memory side by side.

Usage: python benchmarks/zoo.py [--models LightGBM XGBoost MLP LSTM Transformer] [--seeds 20] [--folds 3] [--symbols 505] [--epochs 50] [--short] [--equal 60] [--processor] [--json]

For each model, seed and fold each side runs in a process of its own, from its files to the scores of the fold: factors (qlib from its binary layout, ours from Parquet), fit, scores. The
folds go forward in time: `--train` sessions, a purge of as many as a label takes to be known and an embargo, `--validation` sessions to stop at, the purge again, and `--test` sessions
that are scored. The label of both is the rank within its session of the return from the next open over five sessions. Each side has its own defaults: qlib those of its published
benchmarks on Alpha158 (its nets see 20 sessions of all factors), ours those of the project. Epochs and rows of a batch are the same. The project has no MLP: there its adapter trains qlib's,
and what is compared is the way there.

The first seed of a fold makes the factors, and its seconds are those of the others, which read them from a file: a seed changes nothing in factors.

IC and rank IC are means over the scored sessions of all folds, with their spread over the seeds; the difference of both sides comes with its standard error over the sessions. The trials are counted: models x seeds x folds x sides. Figures of one run compare. Ratios are
of qlib's seconds to ours: `all`, the whole path of both; `fit`, fit and scores of both, with the factors there already; `refit`, what each does when the next refit is due: qlib makes its factors
again, ours are stored. Of LightGBM it is told which part of a fit is the library's own, boosting (`Booster.update`) and binned data sets (`Dataset.construct`), and what the ratios would be if all
but our boosting took no time: no code around the library gets beyond that.

`--equal 60` has LightGBM of both sides grow 60 trees by the project's parameters, none stopped early: the same work for the library. `--processor` counts the processor's seconds, of one thread, for
a machine that does other things. The whole takes hours (`--seeds 20`), a first look is

    python benchmarks/zoo.py --short

which is one seed and one fold of 60 symbols, 252 sessions to train on and two epochs of a net: five minutes on two cores. It tells times; so few rows and epochs tell no skill.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]
PANEL = HERE.parents[1] / "../shared/data/us_daily_sp500/vintage=2018-02-09.parquet"
HORIZON, EMBARGO, SEQUENCE = 5, 5, 20
Clock = Callable[[], float]
MODELS = ("LightGBM", "XGBoost", "MLP", "LSTM", "Transformer")
QLIB = {
    "LightGBM": (
        "gbdt",
        "LGBModel",
        {"colsample_bytree": 0.8879, "learning_rate": 0.2, "subsample": 0.8789, "lambda_l1": 205.6999, "lambda_l2": 580.9768},
    ),
    "XGBoost": (
        "xgboost",
        "XGBModel",
        {"colsample_bytree": 0.8879, "eta": 0.0421, "max_depth": 8, "subsample": 0.8789, "eval_metric": "rmse"},
    ),
    "MLP": ("pytorch_nn", "DNNModelPytorch", {"lr": 0.002, "optimizer": "adam", "weight_decay": 0.0002}),
    "LSTM": ("pytorch_lstm_ts", "LSTM", {"hidden_size": 64, "num_layers": 2, "lr": 1e-3, "n_jobs": 0}),
    "Transformer": ("pytorch_transformer_ts", "TransformerModel", {"d_model": 64, "nhead": 2, "num_layers": 2, "lr": 1e-4, "n_jobs": 0}),
}
QLIB["LightGBM"][2].update({"max_depth": 8, "num_leaves": 210})
OURS = {
    "LightGBM": ("lightgbm", {}),
    "XGBoost": ("xgboost", {}),
    "MLP": ("qlib_zoo", {"model": "MLP"}),
    "LSTM": ("lstm", {"sequence_sessions": SEQUENCE}),
    "Transformer": ("transformer", {"sequence_sessions": SEQUENCE}),
}


SHORT = {"seeds": 1, "folds": 1, "symbols": 60, "train": 252, "epochs": 2}
LOADED = {"lightgbm": "lightgbm", "xgboost": "xgboost", "qlib_zoo": "qlib.contrib.model.pytorch_nn"}


def main() -> None:
    """Prepare the panel, run each side of each model in turn, print the table."""
    arguments = _arguments()
    if arguments.work:
        print(json.dumps(_of_side(json.loads(arguments.work))))
        return
    if not PANEL.is_file():
        raise SystemExit(f"{PANEL.resolve()} is not there: this benchmark runs on the S&P panel of ../shared/data")
    say = (lambda text: print(text, file=sys.stderr, flush=True)) if arguments.json else (lambda text: print(text, flush=True))
    with tempfile.TemporaryDirectory() as name:
        folder, runs = Path(name), []
        folds = _prepare(folder, arguments)
        trials = len(arguments.models) * arguments.seeds * len(folds) * 2
        say(
            f"{arguments.symbols} symbols, {len(folds)} folds, {arguments.seeds} seeds, {trials} trials, {os.cpu_count()} processors, {date.today()}"
        )
        for model in arguments.models:
            for seed in range(arguments.seeds):
                for number, fold in enumerate(folds):
                    for side in ("qlib", "ours"):
                        told = {
                            "side": side,
                            "model": model,
                            "seed": seed,
                            "fold": fold,
                            "number": number,
                            "folder": name,
                            "epochs": arguments.epochs,
                            "batch": arguments.batch,
                            "threads": 1 if arguments.processor else arguments.threads,
                            "equal": arguments.equal,
                            "processor": arguments.processor,
                        }
                        run = {**_measure(told), "side": side, "model": model, "seed": seed, "fold": number}
                        runs.append(run)
                        say(
                            f"{model} {side} seed {seed} fold {number}: rank IC {run['rank_ic']:+.4f}, {run['seconds']:.1f} s, {run['peak_bytes'] / 1e9:.2f} GB"
                        )
    result = {"trials": trials, "models": {model: _summary([run for run in runs if run["model"] == model]) for model in arguments.models}}
    print(json.dumps(result | {"runs": runs}) if arguments.json else _table(result))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--symbols", type=int, default=505)
    parser.add_argument("--train", type=int, default=504, help="sessions")
    parser.add_argument("--validation", type=int, default=63, help="sessions")
    parser.add_argument("--test", type=int, default=126, help="sessions of a fold that are scored")
    parser.add_argument("--epochs", type=int, default=50, help="of nets, at most; of MLP ten steps for each")
    parser.add_argument("--batch", type=int, default=2_048, help="rows of a step of a net; qlib leaves a last one out that is not full")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--short", action="store_true", help="one seed, one fold, 60 symbols, 252 sessions, two epochs, in place of what is said of them"
    )
    parser.add_argument("--equal", type=int, default=0, metavar="TREES", help="LightGBM of both by the same parameters, and so many trees")
    parser.add_argument("--processor", action="store_true", help="seconds of the processor, of one thread, and not of the clock")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output, progress on standard error")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    found = parser.parse_args()
    if found.equal and found.models != ["LightGBM"]:
        parser.error("--equal is of LightGBM: add --models LightGBM")
    if found.short:
        vars(found).update(SHORT)
    return found


def _prepare(folder: Path, arguments: argparse.Namespace) -> list[dict[str, list[str]]]:
    """The panel in both layouts, the labels, and the sessions of the folds, the newest last."""
    import polars as pl

    from ats_assets_tests.expressions.qlib_features import write_qlib_data

    raw = pl.read_parquet(PANEL).rename({"date": "session"}).sort("symbol", "session").drop_nulls()
    chosen = raw.group_by("symbol").agg(pl.len(), value=(pl.col("close") * pl.col("volume")).median()).filter(pl.col("len") > 1_000)
    names = chosen.sort("value", descending=True).head(arguments.symbols)["symbol"]
    panel = raw.filter(pl.col("symbol").is_in(names.implode())).with_columns(vwap=(pl.col("high") + pl.col("low") + pl.col("close")) / 3)
    panel = panel.with_columns(pl.col("open", "high", "low", "close", "volume", "vwap").cast(pl.Float32))
    panel.write_parquet(folder / "panel.parquet")
    days = panel["session"].unique().sort().to_list()
    write_qlib_data(panel, days, folder / "qlib")
    entry, left = pl.col("open").shift(-1).over("symbol"), pl.col("open").shift(-1 - HORIZON).over("symbol")
    labels = panel.select("symbol", "session", outcome=(left / entry - 1).cast(pl.Float64)).drop_nulls().sort("session", "symbol")
    rank = ((pl.col("outcome").rank() - 0.5) / pl.len() - 0.5).over("session")
    labels.with_columns(y=rank).write_parquet(folder / "labels.parquet")
    known = HORIZON + 1
    gap, whole = known + EMBARGO, arguments.train + arguments.validation + arguments.test + 2 * (known + EMBARGO)
    folds = []
    for number in reversed(range(arguments.folds)):
        end = len(days) - known - number * arguments.test
        start = end - whole
        if start < 60:
            raise SystemExit(f"{len(days)} sessions are too few for {arguments.folds} folds: lower --train, --test or --folds")
        cuts = {"train": (start, start + arguments.train)}
        cuts["valid"] = (cuts["train"][1] + gap, cuts["train"][1] + gap + arguments.validation)
        cuts["test"] = (cuts["valid"][1] + gap, end)
        folds.append({part: [str(days[at]) for at in range(*cut)] for part, cut in cuts.items()})
    return folds


def _measure(told: dict[str, Any]) -> dict[str, Any]:
    """One side in a fresh process."""
    quiet = {
        "PYTHONWARNINGS": "ignore",
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "POLARS_MAX_THREADS": str(told["threads"]),
        "OMP_NUM_THREADS": str(told["threads"]),
    }
    done = subprocess.run(
        [sys.executable, str(HERE), "--work", json.dumps(told)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **quiet},
        cwd=told["folder"],
    )
    if done.returncode:
        raise SystemExit(f"{told['model']} by {told['side']} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _of_side(told: dict[str, Any]) -> dict[str, Any]:
    import polars as pl

    clock = time.process_time if told["processor"] else time.perf_counter
    with _library_seconds(told["model"], clock) as of_library:
        scores, times = (_by_qlib if told["side"] == "qlib" else _by_ours)(told, clock)
    labels = pl.read_parquet(Path(told["folder"]) / "labels.parquet")
    test = [date.fromisoformat(day) for day in told["fold"]["test"]]
    rows = scores.filter(pl.col("session").is_in(test)).join(labels, on=["symbol", "session"]).filter(pl.col("score").is_finite())
    by_session = rows.group_by("session").agg(ic=pl.corr("score", "outcome"), rank_ic=pl.corr("score", "outcome", method="spearman"))
    figures: dict[str, Any] = {name: float(by_session[name].fill_nan(None).mean() or 0.0) for name in ("ic", "rank_ic")}
    figures["by_session"] = dict(
        zip(by_session["session"].cast(pl.String), by_session["rank_ic"].fill_nan(None).fill_null(0.0), strict=True)
    )
    peak = 1024.0 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    return {**figures, **times, **of_library, "seconds": sum(times.values()), "rows": float(rows.height), "peak_bytes": peak}


@contextmanager
def _library_seconds(model: str, clock: Clock) -> Iterator[dict[str, float]]:
    """The seconds of LightGBM's own boosting and binning in this block, and the trees that were grown."""
    found: dict[str, float] = {}
    if model != "LightGBM":
        yield found
        return
    import lightgbm as lgb

    found |= {"boosting_seconds": 0.0, "binning_seconds": 0.0, "trees": 0.0}
    update, construct = lgb.Booster.update, lgb.Dataset.construct

    def boosted(*arguments: Any, **named: Any) -> Any:
        start = clock()
        done = update(*arguments, **named)
        found["boosting_seconds"] += clock() - start
        found["trees"] += 1
        return done

    def constructed(data: Any) -> Any:
        if data._handle is not None or (data.reference is not None and data.reference._handle is None):
            return construct(data)
        start = clock()
        construct(data)
        found["binning_seconds"] += clock() - start
        return data

    lgb.Booster.update, lgb.Dataset.construct = boosted, constructed
    try:
        yield found
    finally:
        lgb.Booster.update, lgb.Dataset.construct = update, construct


def _by_qlib(told: dict[str, Any], clock: Clock) -> tuple[Any, dict[str, float]]:
    """Qlib's loader, processors, dataset and model, as its benchmarks put them together; its recorder is silent."""
    import importlib

    import pandas as pd
    import polars as pl
    import qlib

    from ats_assets.models.qlib_memory import quiet_qlib

    folder, fold, model = Path(told["folder"]), told["fold"], told["model"]
    looks_back = model in {"LSTM", "Transformer"}
    module, name, arguments = QLIB[model]
    kind = getattr(importlib.import_module(f"qlib.contrib.model.{module}"), name)
    qlib.init(provider_uri=str(folder / "qlib"), region="us", kernels=told["threads"], logging_level=40)
    with quiet_qlib():
        kept = folder / f"qlib-{told['number']}-{'nets' if looks_back else 'MLP' if model == 'MLP' else 'trees'}.pickle"
        frame, features = _made_once(
            kept,
            lambda: _qlib_frame(folder, fold, looks_back=looks_back, unit_spread=model != "MLP"),
            lambda made: made.to_pickle(kept),
            lambda: pd.read_pickle(kept),
            clock,
        )
        start = clock()
        data = _qlib_data(frame, fold, is_net=looks_back or model == "MLP", looks_back=looks_back)
        made = kind(**_qlib_arguments(told, arguments))
        if model == "MLP":
            import torch

            made.get_metric = lambda *_: torch.zeros(())  # for its log alone; it fails on sessions of fewer than 50 rows
        made.fit(data)
        fit = clock() - start
        start = clock()
        found = made.predict(data)
        predict = clock() - start
    scores = found.reset_index().set_axis(["session", "symbol", "score"], axis=1)
    table = pl.from_pandas(scores).with_columns(pl.col("session").cast(pl.Date), pl.col("score").cast(pl.Float64))
    return table, {"features_seconds": features, "fit_seconds": fit, "predict_seconds": predict}


def _made_once(
    path: Path, make: Callable[[], Any], write: Callable[[Any], object], read: Callable[[], Any], clock: Clock
) -> tuple[Any, float]:
    """Factors and the seconds that making them took, from their file where an earlier seed wrote them."""
    times = path.with_suffix(".seconds")
    if times.is_file():
        return read(), float(times.read_text(encoding="utf-8"))
    start = clock()
    made = make()
    seconds = clock() - start
    write(made)
    times.write_text(str(seconds), encoding="utf-8")
    return made, seconds


def _qlib_frame(folder: Path, fold: dict[str, list[str]], *, looks_back: bool, unit_spread: bool) -> Any:
    """The factors and the label, from qlib's own layout."""
    import numpy as np
    import pandas as pd
    import polars as pl
    from qlib.contrib.data.loader import Alpha158DL
    from qlib.data import D

    expressions, names = Alpha158DL.get_feature_config()
    first = None if looks_back else fold["train"][0]
    frame = D.features(D.instruments("all"), expressions, start_time=first, end_time=fold["test"][-1], freq="day")
    frame.columns = pd.MultiIndex.from_product([["feature"], names])
    frame = frame.swaplevel().sort_index()
    labels = pl.read_parquet(folder / "labels.parquet").to_pandas()
    # A uniform variable has a variance of 1/12; CSRankNorm multiplies ranks by 3.46.
    labels["y"] *= 12**0.5 if unit_spread else 1.0
    index = pd.MultiIndex.from_arrays([pd.to_datetime(labels["session"]), labels["symbol"]])
    frame[("label", "LABEL0")] = pd.Series(labels["y"].to_numpy(), index=index).reindex(frame.index).astype(np.float32)
    return frame


def _qlib_data(frame: Any, fold: dict[str, list[str]], *, is_net: bool, looks_back: bool) -> Any:
    """The dataset with the processors of qlib's benchmarks."""
    from qlib.data.dataset import DatasetH, TSDatasetH
    from qlib.data.dataset.handler import DataHandlerLP
    from qlib.data.dataset.loader import StaticDataLoader

    fitted = {"fields_group": "feature", "fit_start_time": fold["train"][0], "fit_end_time": fold["train"][-1], "clip_outlier": True}
    scaled = [{"class": "RobustZScoreNorm", "kwargs": fitted}, {"class": "Fillna", "kwargs": {"fields_group": "feature"}}] if is_net else []
    learnt = [] if looks_back else [{"class": "DropnaLabel"}]
    handler = DataHandlerLP(data_loader=StaticDataLoader(frame), infer_processors=scaled, learn_processors=learnt)
    segments = {part: (days[0], days[-1]) for part, days in fold.items()}
    if looks_back:
        return TSDatasetH(handler=handler, segments=segments, step_len=SEQUENCE)
    return DatasetH(handler=handler, segments=segments)


def _qlib_arguments(told: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    model, threads = told["model"], told["threads"]
    if model == "LightGBM" and told["equal"]:
        from ats_assets.models.learners.lightgbm import LightgbmSettings, parameters

        same = {
            name: value for name, value in parameters(LightgbmSettings(seed=told["seed"])).items() if name not in {"objective", "metric"}
        }
        return same | {"num_threads": threads, "num_boost_round": told["equal"], "early_stopping_rounds": told["equal"]}
    if model == "LightGBM":
        return arguments | {"num_threads": threads, "seed": told["seed"]}
    if model == "XGBoost":
        return arguments | {"nthread": threads, "seed": told["seed"]}
    common = {"GPU": -1, "seed": told["seed"], "batch_size": told["batch"]}
    if model == "MLP":
        from ats_assets.models.qlib_nets import plateau_schedule

        return (
            arguments
            | common
            | {"max_steps": 10 * told["epochs"], "pt_model_kwargs": {"input_dim": 158, "layers": [256]}, "scheduler": plateau_schedule}
        )
    return arguments | common | {"d_feat": 158, "n_epochs": told["epochs"], "early_stop": 6}


def _by_ours(told: dict[str, Any], clock: Clock) -> tuple[Any, dict[str, float]]:
    """Factors, training set and model by this project, as its assets put them together."""
    import importlib

    import numpy as np
    import polars as pl

    from ats_assets.features import compute
    from ats_assets.features.built_in import ALPHA158
    from ats_assets.models import Fitted, Model, fit
    from ats_assets.models.sequences import SequenceWindow, sequences_of
    from ats_assets.plugins import LEARNERS

    folder, threads = Path(told["folder"]), told["threads"]
    parts = {part: tuple(date.fromisoformat(day) for day in days) for part, days in told["fold"].items()}
    kind, settings = OURS[told["model"]]
    learner = LEARNERS.made(kind, settings | _our_arguments(told))
    model = Model(name=kind, kind=kind, learner=learner, quick=learner)
    importlib.import_module(LOADED.get(kind, "torch"))  # as qlib's side has it before its clock
    compute(pl.read_parquet(folder / "panel.parquet", n_rows=100), ALPHA158, threads=1)
    kept = folder / f"ours-{told['number']}.parquet"

    def made() -> Any:
        bars = pl.read_parquet(folder / "panel.parquet")
        return compute(bars.filter(pl.col("session") <= parts["test"][-1]), ALPHA158, threads=threads)

    features, computed = _made_once(kept, made, lambda frame: frame.write_parquet(kept), lambda: pl.read_parquet(kept), clock)
    start = clock()
    panel = pl.read_parquet(folder / "panel.parquet", columns=["session"])
    days: list[date] = [day for day in panel["session"].unique().sort().to_list() if day <= parts["test"][-1]]
    data, training = _our_training_set(folder, parts, features, model.sequences_in(days), threads)
    found = fit(model, data, training, threads=threads)
    if not isinstance(found, Fitted):
        raise SystemExit(found.reason)
    fitted = clock() - start
    start = clock()
    rows = features.filter(pl.col("session").is_in(list(parts["test"]))).sort("session", "symbol")
    x: Any = rows.select(pl.col(data.features).cast(pl.Float32)).to_numpy(order="c")
    if model.sequence_sessions > 1:
        (x,) = sequences_of([rows], features, data.features, SequenceWindow(length=model.sequence_sessions, sessions=tuple(days)))
    scores = np.asarray(learner.load(found.content).predict(x, threads=threads))
    predicted = clock() - start
    table = rows.select("symbol", "session").with_columns(score=pl.Series(scores))
    return table, {"features_seconds": computed, "fit_seconds": fitted, "predict_seconds": predicted}


def _our_training_set(folder: Path, parts: dict[str, tuple[date, ...]], features: Any, sequences: Any, threads: int) -> tuple[Any, Any]:
    """What the model learns from, and the settings of its training."""
    import polars as pl

    from ats_assets.models import TrainingWindow, training_set
    from ats_assets.settings import KnownAfter, TrainingSettings

    labels = pl.read_parquet(folder / "labels.parquet").select("symbol", "session", y="outcome")
    outcomes = labels.select("symbol", session=pl.lit(parts["test"][0]), decision_session="session", y="y")
    window = TrainingWindow(
        session=parts["test"][0],
        train=parts["train"],
        validation=parts["valid"],
        label_sessions=(parts["test"][0],),
        known_after=KnownAfter(first=HORIZON + 1, last=HORIZON + 1),
        sequences=sequences,
    )
    training = TrainingSettings(threads=threads, train_sessions=len(parts["train"]) + len(parts["valid"]), min_train_sessions=1)
    return training_set(features, outcomes, labels.select("symbol", "session"), window, training), training


def _our_arguments(told: dict[str, Any]) -> dict[str, Any]:
    model = told["model"]
    if told["equal"]:
        return {"seed": told["seed"]} | dict.fromkeys(("min_rounds", "max_rounds", "early_stopping_rounds"), told["equal"])
    if model in {"LightGBM", "XGBoost"}:
        return {"seed": told["seed"]}
    if model == "MLP":
        options = {"lr": 0.002, "weight_decay": 0.0002}
        return {"seed": told["seed"], "max_epochs": 10 * told["epochs"], "early_stop": 50, "batch_size": told["batch"], "options": options}
    return {"seed": told["seed"], "max_epochs": told["epochs"], "min_epochs": min(3, told["epochs"]), "batch_rows": told["batch"]}


def _summary(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """By side: skill by seed, its mean and spread; medians of times; the largest peak."""
    found: dict[str, dict[str, float]] = {}
    for side in ("qlib", "ours"):
        own = [run for run in runs if run["side"] == side]
        seeds = sorted({run["seed"] for run in own})
        row: dict[str, float] = {"peak_bytes": max(run["peak_bytes"] for run in own)}
        for name in ("ic", "rank_ic"):
            by_seed = [statistics.mean(run[name] for run in own if run["seed"] == seed) for seed in seeds]
            row |= {name: statistics.mean(by_seed), f"{name}_spread": statistics.stdev(by_seed) if len(seeds) > 1 else 0.0}
        for name in ("features_seconds", "fit_seconds", "predict_seconds", "seconds", "boosting_seconds", "binning_seconds", "trees"):
            if name in own[0]:
                row[name] = statistics.median(run[name] for run in own)
        row["refit_seconds"] = row["fit_seconds"] + row["predict_seconds"]
        found[side] = row
    found["ratio"] = _ratios(found["qlib"], found["ours"]) | _difference(runs)
    return found


def _difference(runs: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Our rank IC less qlib's over the scored sessions, each the mean of the seeds, as challengers are compared with a champion."""
    from ats_assets.evaluation.paired_skill import paired_skill

    by_side: dict[str, dict[date, list[float]]] = {"qlib": {}, "ours": {}}
    for run in runs:
        for session, value in run["by_session"].items():
            by_side[run["side"]].setdefault(date.fromisoformat(session), []).append(value)
    means = {side: {day: statistics.mean(values) for day, values in found.items()} for side, found in by_side.items()}
    paired = paired_skill(means["ours"], means["qlib"], HORIZON)
    return {"rank_ic_difference": paired.difference, "rank_ic_error": paired.error}


def _ratios(qlib: dict[str, float], ours: dict[str, float]) -> dict[str, float]:
    """Of qlib's seconds to ours; `bound_…` those that would be left if all but our boosting took no time."""
    found = {name: qlib[name] / ours[name] for name in ("seconds", "refit_seconds", "peak_bytes")}
    found["next_seconds"] = qlib["seconds"] / ours["refit_seconds"]
    if ours.get("boosting_seconds"):
        found |= {f"bound_{name}": qlib[name] / ours["boosting_seconds"] for name in ("seconds", "refit_seconds")}
    return found


def _table(result: dict[str, Any]) -> str:
    lines = ["| model | side | IC | rank IC | factors | fit | scores | all | peak |", "|---|---|---|---|---|---|---|---|---|"]
    for model, sides in result["models"].items():
        for side in ("qlib", "ours"):
            row = sides[side]
            times = " | ".join(f"{row[name]:.1f} s" for name in ("features_seconds", "fit_seconds", "predict_seconds", "seconds"))
            skill = " | ".join(f"{row[name]:.4f} ± {row[f'{name}_spread']:.4f}" for name in ("ic", "rank_ic"))
            lines.append(f"| {model} | {side} | {skill} | {times} | {row['peak_bytes'] / 1e9:.2f} GB |")
    lines.append("")
    for model, sides in result["models"].items():
        of = sides["ratio"]
        text = f"{model}, times as fast: all {of['seconds']:.1f}, refit {of['next_seconds']:.1f}, fit {of['refit_seconds']:.1f}; qlib's memory {of['peak_bytes']:.1f} times ours; our rank IC less qlib's {of['rank_ic_difference']:+.4f}, standard error over the sessions {of['rank_ic_error']:.4f}"
        if "bound_seconds" in of:
            shares = "; ".join(
                f"{side} {row['trees']:.0f} trees, boosting {row['boosting_seconds'] / row['fit_seconds']:.0%} of a fit and binning {row['binning_seconds'] / row['fit_seconds']:.0%}"
                for side, row in sides.items()
                if side != "ratio"
            )
            text += f". Were all but our boosting nothing: all and refit {of['bound_seconds']:.1f}, fit {of['bound_refit_seconds']:.1f} ({shares})"
        lines.append(text)
    return "\n".join([f"{result['trials']} trials", "", *lines])


if __name__ == "__main__":
    main()
