"""XGBoost's trees, loaded by its C functions."""

import ctypes
import json
import weakref
from functools import cache
from typing import Any, Final

import numpy as np

from ats_assets.errors import ModelError
from ats_assets.models.native_library import native_library

MARGIN: Final = 1
CONTRIBUTIONS: Final = 2
"""Kinds of prediction, as `XGBoosterPredictFromDMatrix` has them."""

BEGINNING: Final = b"learner"
ENDING: Final = b"version"
"""The first and the last key of a model."""


class XgboostTrees:
    """Loaded trees. A score is the sum of its row's leaves in the order of the trees, whatever the number of threads, before any transformation: of a classification a log-odds.

    By the library's C functions (`xgboost/c_api.h`), as its Python module calls them: that takes a second to import, and brings SciPy.

    Raises
    ------
    ModelError
        If the bytes are none of XGBoost, or the rows have other features; with what the library says.
    """

    def __init__(self, content: bytes) -> None:
        if BEGINNING not in content[: len(BEGINNING) + 12] or ENDING not in content[-60:]:  # the library ends the whole process of some
            raise ModelError("XGBoost: these bytes are no whole model in universal binary JSON")
        self._library = _library()
        self._model = ctypes.c_void_p()
        self._call("XGBoosterCreate", None, ctypes.c_uint64(0), ctypes.byref(self._model))
        weakref.finalize(self, self._library.XGBoosterFree, self._model)
        self._call("XGBoosterLoadModelFromBuffer", self._model, ctypes.c_char_p(content), ctypes.c_uint64(len(content)))
        width = ctypes.c_uint64()
        self._call("XGBoosterGetNumFeature", self._model, ctypes.byref(width))
        self._width = int(width.value)

    def predict(self, x: np.ndarray, *, threads: int = 1) -> np.ndarray:
        """The scores of rows, float64; XGBoost adds up in float32."""
        return self._predicted(x, MARGIN, threads).reshape(len(x))

    def contributions(self, x: np.ndarray, *, threads: int = 1) -> np.ndarray:
        """Shapley values of the features, exact for trees (Lundberg, Erion and Lee, arXiv:1802.03888, 2018), and last what every row has.

        What float32 loses of the sum, about a ten-millionth, is put to the features by their size.
        """
        found = self._predicted(x, CONTRIBUTIONS, threads).reshape(len(x), x.shape[1] + 1)
        parts = found[:, :-1]
        size = np.abs(parts).sum(axis=1, keepdims=True)
        share = np.divide(np.abs(parts), size, out=np.full_like(parts, 1 / parts.shape[1]), where=size > 0)
        parts += (self.predict(x, threads=threads) - found.sum(axis=1))[:, None] * share
        return found

    def _predicted(self, x: np.ndarray, what: int, threads: int) -> np.ndarray:
        """Float64, of as many values as XGBoost gives."""
        rows = np.ascontiguousarray(x, dtype=np.float32)
        if rows.shape[1] != self._width:
            raise ModelError(
                f"XGBoost: the rows have {rows.shape[1]} features, those of the model have {self._width}"
            )  # it reads them as they come
        if not len(rows):
            return np.empty(0)
        data = ctypes.c_void_p()
        self._call("XGBoosterSetParam", self._model, ctypes.c_char_p(b"nthread"), ctypes.c_char_p(str(threads).encode()))
        made = {"missing": float("nan"), "nthread": threads}
        self._call("XGDMatrixCreateFromDense", _text(_interface(rows)), _text(made), ctypes.byref(data))
        try:
            how = {"type": what, "training": False, "iteration_begin": 0, "iteration_end": 0, "strict_shape": True}
            shape, dimensions, found = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
            places = (ctypes.byref(shape), ctypes.byref(dimensions), ctypes.byref(found))
            self._call("XGBoosterPredictFromDMatrix", self._model, data, _text(how), *places)
            size = int(np.prod([shape[i] for i in range(dimensions.value)]))
            return np.ctypeslib.as_array(found, (size,)).astype(np.float64)
        finally:
            self._library.XGDMatrixFree(data)

    def _call(self, function: str, *arguments: Any) -> None:
        if getattr(self._library, function)(*arguments):
            said = self._library.XGBGetLastError().decode(errors="replace")
            told = [line.partition("] ")[2] or line for line in said.splitlines() if line and not line.startswith(("Stack trace", "  ["))]
            raise ModelError(f"XGBoost: {' '.join(told)}")


def _interface(rows: np.ndarray) -> dict[str, Any]:
    """An array as XGBoost takes it; the library wants the version's number beside what NumPy says."""
    return {"data": [rows.ctypes.data, True], "shape": list(rows.shape), "typestr": "<f4", "version": 3}


def _text(value: dict[str, Any]) -> ctypes.c_char_p:
    return ctypes.c_char_p(json.dumps(value).encode())


@cache
def _library() -> ctypes.CDLL:
    file = native_library("xgboost", "libxgboost") or native_library("xgboost", "xgboost")
    if file is None:
        raise ModelError("a model of the kind 'xgboost' needs xgboost, which is not installed: pip install 'ats-assets[xgboost]'")
    library = ctypes.CDLL(str(file))
    library.XGBGetLastError.restype = ctypes.c_char_p
    return library
