"""Rows of a training set as qlib's models take them: a dataset in memory, without a data folder and without `qlib.init`.

qlib's models ask their dataset for the frames of "train", "valid" and "test", and take their values; those that look at sequences take a flat row of feature after feature, each from the
oldest session to the newest. Rows of many sessions are only put together for the batch that asks for them.
"""

import contextlib
import io
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats_assets.models.linear_table import Floats, distances
from ats_assets.models.sequences import Sequences

QLIB: threading.RLock = threading.RLock()
"""qlib's models draw from the generators of NumPy and PyTorch that a process has once, and PyTorch has its number of threads once: one fit or prediction at a time."""


class FlatRows:
    """Rows as qlib's nets take them: scaled, and of a sequence flat; an array as far as they look at it.

    Parameters
    ----------
    x
        float32 of shape (n_rows, n_features), or the sequences of the rows.
    scales
        Centre, spread and the most spreads that count, see `linear_table.distances`; None: values as they are.
    """

    def __init__(self, x: NDArray[np.float32] | Sequences, scales: tuple[Floats, Floats, float] | None) -> None:
        self._x, self._scales = x, scales
        features = (x.table if isinstance(x, Sequences) else x).shape[1]
        self.shape = (len(x), features * (x.length if isinstance(x, Sequences) else 1))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, at: Any) -> NDArray[np.float32]:
        part = self._x[at]
        if not isinstance(part, Sequences):
            return self._scaled(part)
        rows = part.rows()
        scaled = self._scaled(rows.reshape(-1, rows.shape[2])).reshape(rows.shape)
        return np.ascontiguousarray(scaled.transpose(0, 2, 1)).reshape(len(rows), -1)

    def _scaled(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return x if self._scales is None else distances(x, *self._scales)


class QlibFrame:
    """What qlib's nets ask of a frame: its two parts, whether it is empty, and their values."""

    def __init__(self, values: Any, label: Any = None) -> None:
        self.values = values
        self.index = np.arange(len(values))
        self.empty = not len(values)
        self._label = label

    def __getitem__(self, part: str) -> "QlibFrame":
        return self if part == "feature" else QlibFrame(self._label)

    def dropna(self) -> "QlibFrame":
        """Itself: what is missing is at its centre already, and every row has a label."""
        return self


def memory_dataset(frames: dict[str, Any]) -> Any:
    """A qlib dataset of frames by segment; each is what `prepare` gives, whatever it is asked for."""
    from qlib.data.dataset import DatasetH  # noqa: PLC0415 - an optional part of the package, which takes seconds

    class MemoryDataset(DatasetH):
        """Frames that are there already."""

        def __init__(self) -> None:
            self.segments = {name: name for name in frames}

        def prepare(self, segments: Any, *_: Any, **__: Any) -> Any:
            return frames[segments] if isinstance(segments, str) else [frames[name] for name in segments]

    return MemoryDataset()


def panda_frame(x: NDArray[np.float32], y: Floats, keys: Any) -> Any:
    """A pandas frame as qlib's models of rows take it: rows by (datetime, instrument), columns by (feature | label, name)."""
    import pandas as pd  # noqa: PLC0415 - as qlib's models want it

    columns = pd.MultiIndex.from_tuples([("feature", f"f{at}") for at in range(x.shape[1])] + [("label", "LABEL0")])
    index = pd.MultiIndex.from_arrays(
        [pd.DatetimeIndex(keys["session"].to_numpy()), keys["symbol"].to_numpy()], names=["datetime", "instrument"]
    )
    return pd.DataFrame(np.column_stack([x, y.astype(np.float32)]), index=index, columns=columns)


class _Silent:
    """Takes what a model would log to qlib's recorder, and is the recorder, too."""

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: self


@contextlib.contextmanager
def quiet_qlib() -> Iterator[None]:
    """Qlib without a recorder, whose models otherwise ask for `qlib.init`, and without what it prints and warns of; one at a time."""
    with QLIB, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        from qlib.config import C  # noqa: PLC0415 - as above
        from qlib.workflow import R  # noqa: PLC0415 - as above

        before, R.__dict__["_provider"] = R.__dict__.get("_provider"), _Silent()
        level, C["logging_level"] = C["logging_level"], logging.ERROR
        try:
            yield
        finally:
            C["logging_level"] = level
            R.__dict__["_provider"] = before


@contextlib.contextmanager
def same_numbers(seed: int) -> Iterator[None]:
    """PyTorch with one thread and the generators of NumPy and PyTorch from a seed, and all of it as before afterwards; one at a time."""
    with QLIB:
        import torch  # noqa: PLC0415 - an extra

        numbers, torch_numbers, threads = np.random.get_state(), torch.get_rng_state(), torch.get_num_threads()  # noqa: NPY002 - qlib draws from it
        strict, fast = torch.are_deterministic_algorithms_enabled(), torch.backends.mha.get_fastpath_enabled()
        try:
            np.random.seed(seed)  # noqa: NPY002 - as above
            torch.manual_seed(seed)
            torch.set_num_threads(1)
            torch.use_deterministic_algorithms(True)
            torch.backends.mha.set_fastpath_enabled(False)
            yield
        finally:
            np.random.set_state(numbers)  # noqa: NPY002 - as above
            torch.set_rng_state(torch_numbers)
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)
            torch.backends.mha.set_fastpath_enabled(fast)
