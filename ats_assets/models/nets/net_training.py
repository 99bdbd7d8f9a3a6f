"""Training of a net by PyTorch.

1. The sessions to train on are dealt out anew for each epoch, whole ones to a batch.
2. A batch is scored in slices of rows, each by one thread. What its scores are to change by is one function of all of them (`net_objectives`); each slice then has its
   gradients, and they are added up in their order. So the bytes are the same with any number of threads, and slices that fit the processor's cache are the faster way.
3. After an epoch the sessions to validate on are scored. Without a better figure for `patience_epochs` training ends; the best epoch's tensors from `min_epochs` on are
   the net.

On a GPU a batch is one slice, and the figures of two runs may differ in their last digits. Random numbers are of the settings' seed alone: PyTorch's own generator is
neither read nor changed.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ats_assets.errors import ModelError
from ats_assets.models.nets.net import Drop, Net
from ats_assets.models.nets.net_file import Tensors
from ats_assets.models.nets.net_inputs import NetInputs
from ats_assets.models.nets.net_objectives import Floats, Gradient, NetObjective, TaughtRows
from ats_assets.models.nets.net_settings import NetSettings
from ats_assets.models.nets.torch_library import one_thread_an_operation

SLICE: Final = 4_096
"""Steps of the rows of a slice: with more, what is between the layers of a net no longer fits the cache."""
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True, kw_only=True)
class TrainedNet:
    """The tensors of the best epoch, which one that was, from 1, and the figure of each epoch."""

    tensors: Tensors
    epoch: int
    figures: tuple[float, ...]
    device: str


def trained(
    net: Net, train: NetInputs, held_out: NetInputs, objective: NetObjective, settings: NetSettings, *, threads: int = 1
) -> TrainedNet:
    """Train a net.

    Parameters
    ----------
    train, held_out
        What is seen of the rows to train and to validate on.
    objective
        What is taught of them.
    threads
        Changes the time, not the result.

    Raises
    ------
    ModelError
        If PyTorch, or the GPU that the settings want, is not there.
    """
    random = np.random.default_rng(settings.seed)
    length = train.places.shape[1]
    initial = net.initial(length, train.table.shape[1], random)
    with one_thread_an_operation() as torch, ThreadPoolExecutor(threads) as pool:
        machine = _Machine(torch, net, initial, length, settings, pool)
        of_train, of_held_out = (machine.placed(part) for part in (train, held_out))
        best, best_epoch, kept, figures = -np.inf, 0, machine.tensors(), []
        for epoch in range(1, settings.max_epochs + 1):
            for batch in _batches(objective.train.sizes, settings.batch_rows, random):
                machine.step(of_train, batch, _part(objective.train, batch), objective.gradient)
            figures.append(objective.figure(machine.scores(of_held_out)))
            if not np.isfinite(figures[-1]):
                break
            if epoch <= settings.min_epochs or figures[-1] > best:  # before that none is the best yet
                best, best_epoch, kept = figures[-1], epoch, machine.tensors()
            elif epoch - best_epoch >= settings.patience_epochs:
                break
    return TrainedNet(tensors=kept, epoch=best_epoch, figures=tuple(figures), device=machine.device)


def _batches(sizes: np.ndarray, least: int, random: np.random.Generator) -> list[list[slice]]:
    """The rows of whole sessions, in random order; a last batch of less than half of `least` rows joins the one before."""
    ends = np.cumsum(sizes)
    made: list[list[slice]] = []
    rows = least
    for session in random.permutation(len(sizes)):
        if rows >= least:
            made.append([])
            rows = 0
        made[-1].append(slice(int(ends[session] - sizes[session]), int(ends[session])))
        rows += int(sizes[session])
    if len(made) > 1 and 2 * rows < least:
        made[-2].extend(made.pop())
    return made


def _part(rows: TaughtRows, batch: Sequence[slice]) -> TaughtRows:
    y, weights = (np.concatenate([values[one] for one in batch]) for values in (rows.y, rows.weights))
    return TaughtRows(y=y, weights=weights, sizes=np.array([one.stop - one.start for one in batch]))


class _Machine:
    """A net under way: its tensors, the steps of the optimiser (Adam with decoupled weight decay; Loshchilov and Hutter, ICLR 2019), and where both lie."""

    def __init__(self, torch: Any, net: Net, initial: Tensors, length: int, settings: NetSettings, pool: ThreadPoolExecutor) -> None:  # noqa: PLR0917
        self._torch, self._net, self._settings, self._pool = torch, net, settings, pool
        self.device = _device(torch, settings)
        self._names = sorted(initial)
        self._weights = [torch.from_numpy(initial[name].copy()).to(self.device).requires_grad_() for name in self._names]
        self._first = [torch.zeros_like(one, requires_grad=False) for one in self._weights]
        self._second = [torch.zeros_like(one, requires_grad=False) for one in self._weights]
        self._steps = 0
        self._slice = max(1, SLICE // length) if self.device == "cpu" else 2**31

    def placed(self, inputs: NetInputs) -> tuple[Any, Any]:
        """Table and places, where the net is."""
        return self._torch.from_numpy(inputs.table).to(self.device), self._torch.from_numpy(inputs.places).to(self.device)

    def tensors(self) -> Tensors:
        """Those of now."""
        return {name: one.detach().cpu().numpy().copy() for name, one in zip(self._names, self._weights, strict=True)}

    def scores(self, inputs: tuple[Any, Any]) -> Floats:
        """Of all rows, as they are scored after training."""
        with self._torch.no_grad():
            whole = range(0, len(inputs[1]), min(self._slice, 8_192))
            found = self._pool.map(lambda start: self._scored(inputs[0], inputs[1][start : start + whole.step], _kept), whole)
            return np.concatenate([one.detach().cpu().numpy() for one in found]).astype(np.float64)

    def step(self, inputs: tuple[Any, Any], batch: Sequence[slice], rows: TaughtRows, gradient: Gradient) -> None:
        """Change the tensors by what one batch says."""
        torch = self._torch
        table, places = inputs[0], torch.cat([inputs[1][one] for one in batch])
        slices = range(0, len(places), self._slice)
        drops = [self._drop(number) for number in range(len(slices))]
        scored = list(self._pool.map(lambda at, drop: self._scored(table, places[at : at + self._slice], drop), slices, drops))
        scores = np.concatenate([one.detach().cpu().numpy() for one in scored]).astype(np.float64)
        change = torch.from_numpy(gradient(scores, rows).astype(np.float32)).to(self.device)

        def backward(at: int, one: Any) -> Any:
            return torch.autograd.grad(one, self._weights, grad_outputs=change[at : at + self._slice])

        parts = list(self._pool.map(backward, slices, scored))
        with torch.no_grad():
            self._adam([self._sum(found) for found in zip(*parts, strict=True)])

    def _scored(self, table: Any, places: Any, drop: Drop) -> Any:
        torch = self._torch
        with torch.set_grad_enabled(drop is not _kept), self._mixed():
            x = table.index_select(0, places.reshape(-1)).reshape(*places.shape, table.shape[1])
            return self._net.forward(torch, dict(zip(self._names, self._weights, strict=True)), x, drop).float()

    def _mixed(self) -> Any:
        if self.device == "cpu" or self._settings.precision == "float32":
            return nullcontext()
        return self._torch.autocast(device_type="cuda", dtype=self._torch.bfloat16)

    def _drop(self, number: int) -> Drop:
        """Of one slice of the next step, by random numbers of its own; on a processor sixteen bits each, of which torch's own would take most of a small net's time."""
        torch, share, places = self._torch, self._settings.dropout, [self._settings.seed, self._steps, number]
        if not share:
            return lambda x: x
        if self.device == "cpu":
            drawn = np.random.SFC64(np.random.SeedSequence(places))
            return lambda x: x * torch.from_numpy(_factors(drawn, x.numel(), share)).reshape(x.shape)
        random = torch.Generator(device=self.device)
        random.manual_seed(int(np.random.SeedSequence(places).generate_state(1, np.uint64)[0] >> np.uint64(1)))
        return lambda x: x * (torch.rand(x.shape, generator=random, device=self.device) >= share) / (1.0 - share)

    def _sum(self, parts: Sequence[Any]) -> Any:
        total = parts[0].clone()
        for one in parts[1:]:
            total += one
        return total

    def _adam(self, gradients: Sequence[Any]) -> None:
        torch, settings = self._torch, self._settings
        self._steps += 1
        norm = float(torch.sqrt(self._sum([(one * one).sum() for one in gradients])))
        scale = min(1.0, settings.max_gradient_norm / max(norm, 1e-12))
        rate = settings.learning_rate / (1.0 - BETA1**self._steps)
        root = 1.0 / np.sqrt(1.0 - BETA2**self._steps)
        for weight, found, first, second in zip(self._weights, gradients, self._first, self._second, strict=True):
            found.mul_(scale)
            first.mul_(BETA1).add_(found, alpha=1.0 - BETA1)
            second.mul_(BETA2).addcmul_(found, found, value=1.0 - BETA2)
            weight.mul_(1.0 - settings.learning_rate * settings.weight_decay)
            weight.addcdiv_(first, second.sqrt().mul_(root).add_(EPSILON), value=-rate)


def _factors(drawn: np.random.SFC64, size: int, share: float) -> np.ndarray:
    """float32 of shape (size,): 0 for a share of them, to the nearest of 65,536ths, and else what leaves the mean as it was."""
    least = min(round(share * 65_536), 65_535)
    bits = drawn.random_raw(-(-size // 4)).view(np.uint16)[:size]
    return (bits >= least) * np.float32(65_536 / (65_536 - least))


def _kept(x: Any) -> Any:
    """Nothing is left out."""
    return x


def _device(torch: Any, settings: NetSettings) -> str:
    there = torch.cuda.is_available() if settings.device != "cpu" else False
    if settings.device == "cuda" and not there:
        raise ModelError("the device of a net is 'cuda', and PyTorch sees no GPU: set it to 'auto' or 'cpu', or install a build with CUDA")
    return "cuda" if there else "cpu"
