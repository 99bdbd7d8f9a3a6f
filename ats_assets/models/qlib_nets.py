"""qlib's nets: how they are made, trained and stored, and how they score.

A net is stored as the numbers of its modules (safetensors), with the arguments that it was made of and the scales of the features as JSON in the same file's header. Scores are computed in
float64, in batches of one size, by one thread, and rounded to float32: what a row's place in a batch changes is far below that.
"""

import importlib
import inspect
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import ModelError
from ats_assets.models.linear_table import Floats
from ats_assets.models.qlib_memory import FlatRows, QlibFrame, memory_dataset, panda_frame, quiet_qlib, same_numbers
from ats_assets.models.qlib_routing import routing_dataset
from ats_assets.models.sequences import Sequences

ROWS_AT_ONCE: Final = 256
OCCLUDED_ROWS: Final = 256
"""Of the validation rows, evenly, that importance is told from."""

CLASSES: Final = {
    "MLP": ("pytorch_nn", "DNNModelPytorch"),
    "LSTM": ("pytorch_lstm", "LSTM"),
    "GRU": ("pytorch_gru", "GRU"),
    "ALSTM": ("pytorch_alstm", "ALSTM"),
    "TCN": ("pytorch_tcn", "TCN"),
    "Transformer": ("pytorch_transformer", "TransformerModel"),
    "Localformer": ("pytorch_localformer", "LocalformerModel"),
    "TRA": ("pytorch_tra", "TRAModel"),
}
"""Name -> module of `qlib.contrib.model`, and its class."""


@dataclass(frozen=True, kw_only=True)
class NetShape:
    """What a net is made of beside its numbers: the model's name, the arguments of its class, and its scales."""

    model: str
    arguments: dict[str, Any]
    centre: list[float]
    spread: list[float]
    clip_deviations: float

    @property
    def scales(self) -> tuple[Floats, Floats, float]:
        """As `distances` takes them."""
        return np.array(self.centre), np.array(self.spread), self.clip_deviations


def net_arguments(model: str, features: int, sessions: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a net's class that follow from the shape of its rows, and those that are given.

    Parameters
    ----------
    features, sessions
        Of a row, which has features times sessions numbers.
    """
    if model == "MLP":
        layers = given.get("layers", (256,))
        rest = {name: value for name, value in given.items() if name != "layers"}
        return {"optimizer": "adam", "pt_model_kwargs": {"input_dim": features * sessions, "layers": list(layers)}} | rest
    if model == "TRA":
        states = int(given.get("num_states", 3))
        hidden = int(given.get("hidden_size", 64))
        rest = {name: value for name, value in given.items() if name not in {"num_states", "hidden_size"}}
        backbone = {"input_size": features, "hidden_size": hidden, "num_layers": 2, "rnn_arch": "LSTM", "use_attn": True, "dropout": 0.0}
        routed = {"num_states": states, "hidden_size": 16, "tau": 1.0, "src_info": "LR"}
        how = {"transport_method": "router" if states > 1 else "none", "memory_mode": "sample", "lamb": 1.0, "alpha": 0.5}
        return {"model_config": backbone, "tra_config": routed, "model_type": "RNN"} | how | rest
    return {"d_feat": features} | dict(given)


def made_net(shape: NetShape, **more: Any) -> Any:
    """Qlib's model of a shape.

    Raises
    ------
    ModelError
        If its class does not know an argument: many take any, and forget what they do not know.
    """
    module, name = CLASSES[shape.model]
    kind = getattr(importlib.import_module(f"qlib.contrib.model.{module}"), name)
    if shape.model == "MLP":
        more["scheduler"] = plateau_schedule  # qlib's own takes PyTorch 2.13 for older than 2.6
    known = {name for name, told in inspect.signature(kind).parameters.items() if told.kind is not told.VAR_KEYWORD}
    told = shape.arguments | {name: value for name, value in more.items() if name in known}
    if strange := told.keys() - known:
        raise ModelError(f"qlib's {shape.model} knows no {', '.join(sorted(strange))}: options may hold {', '.join(sorted(known))}")
    return kind(**told)


def trained_net(
    shape: NetShape, parts: Mapping[str, tuple[Any, Floats, Any]], *, seed: int, training: Mapping[str, Any]
) -> tuple[bytes, int] | None:
    """A net after qlib's own training, as bytes, and its epochs; None where no epoch had a finite loss.

    Parameters
    ----------
    parts
        Of "train" and "valid" the rows (an array or sequences), their labels and keys.
    training
        Arguments of the training: epochs, patience, rows of a batch, in qlib's words.
    """
    import torch  # noqa: PLC0415 - an extra

    with quiet_qlib(), same_numbers(seed), tempfile.TemporaryDirectory() as folder:
        model, told = made_net(shape, seed=seed, GPU=-1, **training), {}
        if shape.model == "MLP":
            model.get_metric = lambda *_: torch.zeros(())  # a figure for its log alone, which fails where a session has fewer than 50 rows
        data = _dataset(shape, parts, training)
        try:
            more = {} if shape.model == "TRA" else {"save_path": str(Path(folder) / "best")}
            model.fit(data, evals_result=told, **more)
        except (UnboundLocalError, FileNotFoundError):
            return None
        numbers = {
            f"{name}.{key}": value.detach().contiguous().clone()
            for name, net in _modules(model).items()
            for key, value in net.state_dict().items()
        }
        if not all(torch.isfinite(value).all() for value in numbers.values()):
            return None
        return _packed(shape, numbers), max(1, len(told.get("valid", ())))


def plateau_schedule(optimizer: Any) -> Any:
    """The schedule that qlib's MLP has by default."""
    from torch.optim.lr_scheduler import ReduceLROnPlateau  # noqa: PLC0415 - an extra

    return ReduceLROnPlateau(optimizer, factor=0.5, patience=10, threshold=1e-4, min_lr=1e-5)


class QlibNet:
    """A loaded net of qlib's.

    Raises
    ------
    ModelError
        If the bytes are no such net.
    """

    def __init__(self, content: bytes) -> None:
        self._shape, numbers = _unpacked(content)
        with quiet_qlib(), same_numbers(0):
            self._modules = _modules(made_net(self._shape, GPU=-1))
            for name, net in self._modules.items():
                own = {key.removeprefix(f"{name}."): value for key, value in numbers.items() if key.startswith(f"{name}.")}
                net.load_state_dict(own)
                net.double().eval()

    def predict(self, x: NDArray[np.float32] | Sequences, *, threads: int = 1) -> Floats:  # noqa: ARG002 - PyTorch has its number of threads once
        """The scores of rows, float64 of shape (n_rows,), of float32's precision."""
        return self._scored(FlatRows(x, self._shape.scales))

    def importance(self, x: NDArray[np.float32] | Sequences) -> list[float]:
        """By how much scores of rows change on average when a feature is at its centre."""
        centre, spread, clip = self._shape.scales
        some = x[np.unique(np.linspace(0, len(x) - 1, min(len(x), OCCLUDED_ROWS)).astype(np.int64))] if len(x) else x
        before, found = self._scored(FlatRows(some, (centre, spread, clip))), []
        for at in range(len(centre)):
            if spread[at] == 0:
                found.append(0.0)
                continue
            without = np.where(np.arange(len(spread)) == at, 0.0, spread)
            found.append(float(np.abs(self._scored(FlatRows(some, (centre, without, clip))) - before).mean()))
        return found

    def _scored(self, rows: FlatRows) -> Floats:
        import torch  # noqa: PLC0415 - an extra

        found = np.empty(len(rows))
        with same_numbers(0), torch.no_grad():
            for first in range(0, len(rows), ROWS_AT_ONCE):
                part = rows[slice(first, first + ROWS_AT_ONCE)]
                whole = np.zeros((ROWS_AT_ONCE, rows.shape[1]))
                whole[: len(part)] = part
                found[first : first + len(part)] = self._forward(torch.from_numpy(whole)).numpy()[: len(part)].astype(np.float32)
        return found

    def _forward(self, x: Any) -> Any:
        if self._shape.model != "TRA":
            return next(iter(self._modules.values()))(x).reshape(-1)
        features = self._shape.arguments["model_config"]["input_size"]
        scores, _, chance = self._modules["tra"](self._modules["model"](x.reshape(len(x), features, -1).transpose(1, 2)), None)
        return scores.mean(dim=1) if chance is None else scores.gather(1, chance.argmax(dim=1, keepdim=True))[:, 0]


def _dataset(shape: NetShape, parts: Mapping[str, tuple[Any, Floats, Any]], training: Mapping[str, Any]) -> Any:
    rows = {name: FlatRows(x, shape.scales) for name, (x, _, _) in parts.items()}
    if shape.model == "TRA":
        return routing_dataset(rows, parts, shape.arguments, int(training["batch_size"]))
    if shape.model == "MLP":
        frames: dict[str, Any] = {name: panda_frame(rows[name][:], y, keys) for name, (_, y, keys) in parts.items()}
    else:
        frames = {name: QlibFrame(rows[name], y[:, None]) for name, (_, y, _) in parts.items()}
    return memory_dataset(frames | {"test": frames["valid"]})


def _modules(model: Any) -> dict[str, Any]:
    """The modules of qlib's model, by the name that it has for them."""
    import torch  # noqa: PLC0415 - an extra

    return {name: value for name, value in sorted(vars(model).items()) if isinstance(value, torch.nn.Module)}


def _packed(shape: NetShape, numbers: Mapping[str, Any]) -> bytes:
    from safetensors.torch import save  # noqa: PLC0415 - an extra

    return save(dict(numbers), metadata={"net": json.dumps(vars(shape), sort_keys=True)})


def _unpacked(content: bytes) -> tuple[NetShape, dict[str, Any]]:
    from safetensors.torch import load  # noqa: PLC0415 - an extra

    try:
        numbers = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return NetShape(**json.loads(header["__metadata__"]["net"])), numbers
    except Exception as error:
        raise ModelError(f"these bytes are no net of qlib's in safetensors: {error}") from error
