"""LightGBM's trees, loaded by its C functions."""

import ctypes
import weakref
from functools import cache
from typing import Any, Final

import numpy as np

from ats_assets.errors import ModelError
from ats_assets.models.native_library import native_library

FLOAT32: Final = 0
BY_ROW: Final = 1
RAW_SCORES: Final = 1
CONTRIBUTIONS: Final = 3
"""As LightGBM's C functions have them: `C_API_DTYPE_FLOAT32`, row-major, `C_API_PREDICT_RAW_SCORE`, `C_API_PREDICT_CONTRIB`."""


class LightgbmTrees:
    """Loaded trees. A score is the sum of its row's leaves in the order of the trees, whatever the number of threads; of a classification it is a log-odds.

    By the library's C functions (`LightGBM/c_api.h`), as its Python module calls them: that module takes two seconds to import, most of it scikit-learn, which is long
    for who asks for one score.

    Raises
    ------
    ModelError
        If the text is none of LightGBM, or the rows have other features; with what the library says.
    """

    def __init__(self, content: bytes) -> None:
        if b"\ntree_sizes=" in content and b"\nend of trees\n" not in content:
            raise ModelError("LightGBM: the text of the model ends before its trees do")  # the library ends the whole process then
        self._library = _library()
        self._model, rounds = ctypes.c_void_p(), ctypes.c_int()
        self._call("LGBM_BoosterLoadModelFromString", ctypes.c_char_p(content), ctypes.byref(rounds), ctypes.byref(self._model))
        weakref.finalize(self, self._library.LGBM_BoosterFree, self._model)

    def predict(self, x: np.ndarray, *, threads: int = 1) -> np.ndarray:
        """The scores of rows, float64."""
        return self._predicted(x, RAW_SCORES, 1, threads)[:, 0]

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
