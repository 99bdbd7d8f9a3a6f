"""Gradient-boosted trees on the cross-section, by LightGBM (Ke et al., NeurIPS 2017).

- regression: squared error on the label (by default its centred percentile in the session's cross-section), so that outliers do not rule.
- lambdarank (Burges, MSR-TR-2010-82): the sessions are the queries; the relevance of a symbol is the decile (0 to 9) of its return, with linear gains.

Rounds stop when the information coefficient on the validation sessions (mean over sessions of the correlation of score and ranked label) has not risen
for `early_stopping_rounds`; the first `min_rounds` always stay, since that figure is noisy and would often leave a single tree. The active model is the one that was stopped: it is not fitted again on the validation sessions, so that the
figures in `model.json` are those of the very trees that trade.

The same rows, settings and LightGBM version give the same bytes with any number of threads: histograms are built by column, each by one thread in the order of the
rows, `deterministic` forbids parallel sums elsewhere, and the number of threads is left out of the text.
"""

import ctypes
import re
import weakref
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import Field

from ats_assets.errors import ModelError
from ats_assets.models.cross_sections import mean_product, ranks, standardised
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.native_library import native_library
from ats_assets.models.training_set import CrossSections, TrainingSet
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, Section

if TYPE_CHECKING:
    import lightgbm as lgb

FLOAT32: Final = 0
BY_ROW: Final = 1
SCORES: Final = 0
CONTRIBUTIONS: Final = 3
"""As LightGBM's C functions have them: `C_API_DTYPE_FLOAT32`, row-major, `C_API_PREDICT_NORMAL`, `C_API_PREDICT_CONTRIB`."""

LARGEST_QUERY = 10_000
"""Rows of a query that LightGBM's ranking takes; its limit is part of its source."""

GRADES = 10
"""Relevance grades of lambdarank."""

THREADS_LINE = re.compile(r"^\[num_threads: \d+\]$", re.MULTILINE)


class LightgbmSettings(Section):
    """Gradient-boosted trees by LightGBM."""

    objective: Literal["regression", "lambdarank"] = Field(
        default="regression", description="squared error on the label, or the order of the symbols of a session, whose labels are grades"
    )
    max_bin: int = Field(default=63, ge=2, le=255, description="bins of a feature")
    bin_sample_rows: int = Field(default=20_000, ge=1_000, description="rows that the bins are made from")
    num_leaves: Positive = 31
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    min_rounds: Positive = Field(default=30, description="trees that a model has at least")
    max_rounds: Positive = 200
    early_stopping_rounds: Positive = 30
    min_data_in_leaf: Positive = 200
    feature_fraction: float = Field(default=0.5, gt=0, le=1)
    bagging_fraction: float = Field(default=0.8, gt=0, le=1)
    lambda_l2: float = Field(default=10.0, ge=0)
    seed: int = 7


class Lightgbm:
    """Gradient-boosted trees on the cross-section."""

    file = "model.txt"
    library = "lightgbm"
    weighs_rows = True

    def __init__(self, settings: LightgbmSettings) -> None:
        self.settings = settings

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted | Unavailable:
        """Fit on `data.train`, stop on `data.validation`.

        Returns
        -------
        Fitted or Unavailable
            The latter if no tree has a split: every symbol would have the same score.

        Raises
        ------
        ModelError
            If a session has more symbols than LightGBM ranks at once.
        """
        settings = self.settings
        _refuse_large_queries(data, settings)
        import lightgbm as lgb  # noqa: PLC0415 - takes two seconds, and most who import this fit nothing

        own = parameters(settings) | {"num_threads": threads}
        train = lgb.Dataset(
            data.train.x,
            _target(data.train, settings),
            weight=data.train.weights,
            group=_group(data.train, settings),
            feature_name=list(data.features),
            params=own,
        )
        held_out = lgb.Dataset(
            data.validation.x, _target(data.validation, settings), group=_group(data.validation, settings), reference=train
        )
        booster = lgb.train(
            own,
            train,
            num_boost_round=settings.max_rounds,
            valid_sets=[held_out],
            feval=_information_coefficient(data.validation, settings.min_rounds),
            callbacks=[lgb.early_stopping(settings.early_stopping_rounds, first_metric_only=True, verbose=False)],
        )
        best = booster.best_iteration or booster.current_iteration()
        if not booster.feature_importance("split", iteration=best).any():
            return Unavailable(reason=_without_splits(data, settings))
        gains = booster.feature_importance("gain", iteration=best)
        stopping = {name: getattr(settings, name) for name in ("min_rounds", "max_rounds", "early_stopping_rounds")}
        return Fitted(
            content=THREADS_LINE.sub("[num_threads: 0]", booster.model_to_string(num_iteration=best)).encode(),
            scores=np.asarray(booster.predict(data.validation.x, num_iteration=best, num_threads=threads)),
            rounds=best,
            importance={name: float(gain) for name, gain in zip(data.features, gains, strict=True)},
            parameters=parameters(settings) | stopping,
            label_kind="grade" if settings.objective == "lambdarank" else None,
        )

    def load(self, content: bytes) -> "Trees":
        """The model of LightGBM's own text."""
        return Trees(content)


class Trees:
    """Loaded trees. A score is the sum of its row's leaves in the order of the trees, whatever the number of threads.

    By the library's C functions (`LightGBM/c_api.h`), as its Python module calls them: that module takes two seconds to import, most of it scikit-learn, which is long
    for who asks for one score.

    Raises
    ------
    ModelError
        If the text is none of LightGBM, or the rows have other features; with what the library says.
    """

    def __init__(self, content: bytes) -> None:
        self._library = _library()
        self._model, rounds = ctypes.c_void_p(), ctypes.c_int()
        self._call("LGBM_BoosterLoadModelFromString", ctypes.c_char_p(content), ctypes.byref(rounds), ctypes.byref(self._model))
        weakref.finalize(self, self._library.LGBM_BoosterFree, self._model)

    def predict(self, x: np.ndarray, *, threads: int = 1) -> np.ndarray:
        """The scores of rows, float64."""
        return self._predicted(x, SCORES, 1, threads)[:, 0]

    def contributions(self, x: np.ndarray, *, threads: int = 1) -> np.ndarray:
        """Shapley values of the features, exact for trees (Lundberg, Erion and Lee, arXiv:1802.03888, 2018), and last the mean leaf."""
        return self._predicted(x, CONTRIBUTIONS, x.shape[1] + 1, threads)

    def _predicted(self, x: np.ndarray, what: int, width: int, threads: int) -> np.ndarray:
        rows = np.ascontiguousarray(x, dtype=np.float32)
        found, length = np.empty((len(rows), width)), ctypes.c_int64()
        if not len(rows):
            return found
        first, every, how = 0, -1, f"num_threads={threads}".encode()
        shape = (ctypes.c_int32(rows.shape[0]), ctypes.c_int32(rows.shape[1]), BY_ROW)
        places = (ctypes.byref(length), ctypes.c_void_p(found.ctypes.data))
        data = ctypes.c_void_p(rows.ctypes.data)
        self._call("LGBM_BoosterPredictForMat", self._model, data, FLOAT32, *shape, what, first, every, ctypes.c_char_p(how), *places)
        if length.value != found.size:
            raise ModelError(f"LightGBM gave {length.value} values where {found.size} were asked for")
        return found

    def _call(self, function: str, *arguments: Any) -> None:
        if getattr(self._library, function)(*arguments):
            raise ModelError(f"LightGBM: {self._library.LGBM_GetLastError().decode(errors='replace')}")


@cache
def _library() -> ctypes.CDLL:
    file = native_library("lightgbm", "lib_lightgbm")
    if file is None:
        raise ModelError("LightGBM's library is not installed: python3 dev.py run sets it up")
    library = ctypes.CDLL(str(file))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library


def parameters(settings: LightgbmSettings) -> dict[str, Any]:
    """What LightGBM is told, less the number of threads, which does not change the result."""
    special = {"objective": "regression"}
    if settings.objective == "lambdarank":
        special = {"objective": "lambdarank", "label_gain": list(range(GRADES))}
    return special | {
        "metric": "None",
        "num_leaves": settings.num_leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.min_data_in_leaf,
        "feature_fraction": settings.feature_fraction,
        "bagging_fraction": settings.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": settings.lambda_l2,
        "max_bin": settings.max_bin,
        "bin_construct_sample_cnt": settings.bin_sample_rows,
        "seed": settings.seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }


def _refuse_large_queries(data: TrainingSet, settings: LightgbmSettings) -> None:
    if settings.objective != "lambdarank":
        return
    for rows in (data.train, data.validation):
        largest = int(rows.sizes.argmax())
        if rows.sizes[largest] > LARGEST_QUERY:
            raise ModelError(
                f"session {rows.decision_sessions[largest]} has {rows.sizes[largest]:,} symbols, and objective = lambdarank ranks at most {LARGEST_QUERY:,} at once: "
                f"set universe.size to {LARGEST_QUERY} or less, or the objective of the model to regression"
            )


def _without_splits(data: TrainingSet, settings: LightgbmSettings) -> str:
    rows = len(data.train.y)
    seen = int(rows * settings.bagging_fraction)
    why = (
        f"{seen:,} rows, which a tree is grown on, can't be split into leaves of {settings.min_data_in_leaf}: lower min_data_in_leaf, or train on more sessions or symbols"
        if seen < 2 * settings.min_data_in_leaf
        else f"no feature tells the labels of {rows:,} rows apart: look at the features with ats features show"
    )
    return f"no tree of the fit as of {data.window.session} has a split, so that every symbol would have the same score; {why}"


def _target(rows: CrossSections, settings: LightgbmSettings) -> np.ndarray:
    """The label, or its grade 0 to 9 within the session."""
    if settings.objective == "regression":
        return rows.y
    share = (ranks(rows.y, rows.sizes) - 0.5) / np.repeat(rows.sizes, rows.sizes)
    return np.minimum((share * GRADES).astype(np.int32), GRADES - 1)


def _group(rows: CrossSections, settings: LightgbmSettings) -> np.ndarray | None:
    return rows.sizes if settings.objective == "lambdarank" else None


def _information_coefficient(rows: CrossSections, min_rounds: int) -> Callable[[np.ndarray, "lgb.Dataset"], tuple[str, float, bool]]:
    """The figure that stops the rounds."""
    outcomes = standardised(ranks(rows.y, rows.sizes), rows.sizes)
    rounds = count(1)

    def evaluate(scores: np.ndarray, _: "lgb.Dataset") -> tuple[str, float, bool]:
        done = next(rounds)
        if done < min_rounds:
            return "ic", done / min_rounds - 3.0, True  # below any correlation and rising: never the best round, never a reason to stop
        return "ic", float(mean_product(standardised(scores, rows.sizes), outcomes, rows.sizes).mean()), True

    return evaluate


PLUGIN = Plugin(
    settings=LightgbmSettings,
    make=Lightgbm,
    quick={"min_rounds": 1, "max_rounds": 3, "early_stopping_rounds": 3, "min_data_in_leaf": 5, "num_leaves": 4},
)
