"""The dataset of qlib's TRA (Lin et al., KDD 2021), in memory.

TRA asks for batches of sequences with a memory of how far its predictors were off. Here its router looks at the sequence alone (`src_info = "LR"`): with the memory a row's score would
depend on the labels of other rows, some of which are not known yet when it is made.
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from ats_assets.models.linear_table import Floats
from ats_assets.models.qlib_memory import FlatRows


def routing_dataset(  # noqa: C901 - a class that can be made only where qlib is imported
    rows: Mapping[str, FlatRows], parts: Mapping[str, tuple[Any, Floats, Any]], arguments: Mapping[str, Any], batch_size: int
) -> Any:
    """The dataset of "train", "valid" and "test", which is the validation rows again.

    Parameters
    ----------
    rows, parts
        By segment: the scaled rows; the rows, labels and keys.
    arguments
        Of the model's class.
    """
    from qlib.contrib.data.dataset import MTSDatasetH  # noqa: PLC0415 - takes seconds

    features, states = int(arguments["model_config"]["input_size"]), int(arguments["tra_config"]["num_states"])

    class RoutedRows(MTSDatasetH):
        """Batches of one segment, or all of them."""

        rows: FlatRows
        labels: Any
        starts: Any
        memory: Any

        def __init__(self) -> None:
            self.params = (batch_size, None, False, True)

        def prepare(self, segments: Any, *_: Any, **__: Any) -> Any:
            return self.of(segments) if isinstance(segments, str) else [self.of(name) for name in segments]

        def of(self, segment: str) -> "RoutedRows":
            found, name = copy.copy(self), "valid" if segment == "test" else segment
            found.rows, (_, labels, keys) = rows[name], parts[name]
            found.labels = labels.astype(np.float32)
            _, found.starts = np.unique(keys["session"].to_numpy(), return_index=True)
            found.memory = np.zeros((len(labels), states), dtype=np.float32)
            return found

        def __len__(self) -> int:
            return len(self.starts) if self.batch_size < 0 else -(-len(self.labels) // self.batch_size)

        def __iter__(self) -> Any:
            order = np.arange(len(self.labels))
            if self.batch_size < 0:
                batches = np.split(order, self.starts[1:])
            else:
                np.random.shuffle(order)  # noqa: NPY002 - qlib's own generator, from the seed
                batches = [order[at : at + self.batch_size] for at in range(0, len(order), self.batch_size)]
            yield from map(self._batch, batches)

        def _batch(self, at: np.ndarray) -> dict[str, Any]:
            import torch  # noqa: PLC0415 - an extra

            flat = self.rows[at]
            return {
                "data": torch.from_numpy(np.ascontiguousarray(flat.reshape(len(at), features, -1).transpose(0, 2, 1))),
                "label": torch.from_numpy(self.labels[at]),
                "state": torch.from_numpy(self.memory[at][:, None, :]),
                "index": at,
                "daily_index": np.arange(1),
                "daily_count": np.array([len(at)]),
            }

        def assign_data(self, index: np.ndarray, vals: Any) -> None:
            self.memory[index] = vals.detach().numpy()

        def clear_memory(self) -> None:
            self.memory[:] = 0

        def restore_index(self, index: Any) -> Any:
            import pandas as pd  # noqa: PLC0415 - as TRA wants it

            return pd.MultiIndex.from_arrays([np.zeros(len(index), np.int64), np.asarray(index)])

    return RoutedRows()
