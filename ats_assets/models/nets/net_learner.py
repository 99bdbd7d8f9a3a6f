"""A net as a learner: when there is something to learn, what it sees and is taught, and how it scores afterwards."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import ModelError
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.nets.net import Net
from ats_assets.models.nets.net_file import Tensors, read_net, written_net
from ats_assets.models.nets.net_inputs import InputPlan, NetInputs, input_plan, net_inputs
from ats_assets.models.nets.net_objectives import NetObjective, net_objective
from ats_assets.models.nets.net_settings import NetSettings
from ats_assets.models.nets.net_training import TrainedNet, trained
from ats_assets.models.nets.torch_library import one_thread_an_operation
from ats_assets.models.objectives import LABEL_KINDS
from ats_assets.models.sequences import Sequences
from ats_assets.models.training_set import CrossSections, TrainingSet

AT_ONCE: Final = 128
"""Rows whose steps are in memory while they are scored."""
LOOKED_INTO: Final = 2_048
"""Rows to validate on that importance is of, at most."""
MIDDLE, SCALE = "input.middle", "input.scale"


class NetLearner:
    """What all nets do.

    Parameters
    ----------
    settings
        Of the net.
    net
        The net that they make.
    """

    file = "model.safetensors"
    library = "torch"
    weighs_rows = True
    net: ClassVar[Any]
    """Makes a net of its settings."""

    def __init__(self, settings: NetSettings) -> None:
        self.settings = settings
        self._net: Net = self.net(settings)

    @property
    def sequence_sessions(self) -> int:
        """Those of features; prices and returns of many sessions are in one row."""
        return self.settings.sequence_sessions if self.settings.inputs == "features" else 1

    @property
    def row_is_sequence(self) -> bool:
        """Of prices and returns."""
        return self.settings.inputs != "features"

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted | Unavailable:
        """Train on `data.train`, stop on `data.validation`.

        Raises
        ------
        ModelError
            If PyTorch, the GPU or the features that the settings want are not there.
        """
        settings, asof = self.settings, f"the fit as of {data.window.session}"
        plan = input_plan(settings.inputs, settings.sequence_sessions, data.features, data.train.x)
        if not plan.scale.any():
            return Unavailable(
                reason=f"no feature tells the labels of the {len(data.train.y):,} rows of {asof} apart, so that every symbol would have the same score: "
                "look at the features with ats features show"
            )
        objective = net_objective(data.train, data.validation, settings)
        seen, held_out = (net_inputs(plan, self._inputs(rows)) for rows in (data.train, data.validation))
        found = trained(self._net, seen, held_out, objective, settings, threads=threads)
        if not np.isfinite(found.figures).all():
            return Unavailable(
                reason=f"training of {asof} diverged in epoch {len(found.figures)}: lower learning_rate ({settings.learning_rate})"
            )
        content = self._content(found, plan, objective)
        scores = self.load(content).predict(self._inputs(data.validation), threads=threads)
        if _tells_nothing_apart(scores, data.validation.sizes):
            return Unavailable(
                reason=f"the net of {asof} gives every symbol of a session the same score: train on more rows, or for longer"
            )
        return Fitted(
            content=content,
            scores=scores,
            rounds=found.epoch,
            importance=self._importance(found.tensors, held_out, plan, data.features),
            label_kind=LABEL_KINDS.get(settings.objective),
            parameters=settings.model_dump(mode="json") | {"epochs": len(found.figures), "trained_on": found.device},
        )

    def load(self, content: bytes) -> "NetScorer":
        """The net of a file of safetensors.

        Raises
        ------
        ModelError
            If it is damaged, or a net of another kind.
        """
        tensors, told = read_net(content)
        try:
            kept = {"kind": told["inputs"], "length": int(told["length"]), "columns": np.array(told["columns"], dtype=np.int64)}
            plan = InputPlan(middle=tensors.pop(MIDDLE), scale=tensors.pop(SCALE), **kept)
            net: Net = self.net(type(self.settings).model_validate(told["settings"]))
            wanted = net.initial(plan.length, plan.channels, np.random.default_rng(0))
            unit = (float(told["middle"]), float(told["deviation"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"this is no net of the kind {type(self).__name__}, or a damaged one: {error}") from error
        if {name: one.shape for name, one in wanted.items()} != {name: one.shape for name, one in tensors.items()}:
            raise ModelError(f"the tensors of this net are not those of the kind {type(self).__name__}: fit it again with ats run")
        return NetScorer(net, plan, tensors, unit, chances=told["settings"]["objective"] == "classification")

    def _inputs(self, rows: CrossSections) -> NDArray[np.float32] | Sequences:
        return rows.x if self.sequence_sessions == 1 or rows.sequences is None else rows.sequences

    def _content(self, found: TrainedNet, plan: InputPlan, objective: NetObjective) -> bytes:
        told = {"settings": self.settings.model_dump(mode="json"), "middle": objective.middle, "deviation": objective.deviation}
        return written_net({**found.tensors, MIDDLE: plan.middle, SCALE: plan.scale}, plan.described() | told)

    def _importance(self, tensors: Tensors, inputs: NetInputs, plan: InputPlan, features: tuple[str, ...]) -> dict[str, float]:
        """The mean size of what a step's channel, times the slope of the score by it, adds up to over rows to validate on: gradient times input."""
        with one_thread_an_operation() as torch:
            chosen = np.unique(np.linspace(0, len(inputs.places) - 1, min(LOOKED_INTO, len(inputs.places))).astype(np.int64))
            weights = {name: torch.from_numpy(one.copy()) for name, one in tensors.items()}
            total = np.zeros((plan.length, plan.channels - 1))
            for start in range(0, len(chosen), AT_ONCE):
                x = torch.from_numpy(inputs.rows(chosen[start : start + AT_ONCE])).requires_grad_()
                (slope,) = torch.autograd.grad(self._net.forward(torch, weights, x, lambda one: one).sum(), x)
                total += np.abs((slope * x).detach().numpy().astype(np.float64)).sum(axis=0)[:, :-1]
        return plan.credited(total / len(chosen), features)


class NetScorer:
    """A loaded net. It scores by kernels, without PyTorch; a row's score depends on that row, or its sequence, alone.

    Parameters
    ----------
    unit
        Middle and deviation: a score is the one plus the other times what the net gives.
    chances
        It gives log-odds, and its scores are probabilities.
    """

    def __init__(self, net: Net, plan: InputPlan, tensors: Tensors, unit: tuple[float, float], *, chances: bool = False) -> None:
        self._net, self._plan, self._tensors = net, plan, tensors
        self._middle, self._deviation = unit
        self._chances = chances

    def predict(self, x: NDArray[np.float32] | Sequences, *, threads: int = 1) -> NDArray[np.float64]:
        """The scores of rows, or of sequences at least as long as the net's, in the label's unit: float64 of shape (n_rows,)."""
        if isinstance(x, Sequences) and x.length > self._plan.length:
            x = x.newest(self._plan.length)
        inputs = net_inputs(self._plan, x)
        if self._plan.kind == "features" and inputs.places.shape[1] != self._plan.length:
            raise ModelError(f"this net looks at {self._plan.length} sessions, and was given {inputs.places.shape[1]}")
        starts = range(0, len(inputs.places), AT_ONCE)

        def scored(start: int) -> NDArray[np.float32]:
            return self._net.score(self._tensors, inputs.rows(slice(start, start + AT_ONCE)))

        if threads == 1 or len(starts) <= 1:
            found = [scored(start) for start in starts]
        else:
            with ThreadPoolExecutor(threads) as pool:
                found = list(pool.map(scored, starts))
        whole = np.concatenate(found).astype(np.float64) if found else np.empty(0)
        return 1.0 / (1.0 + np.exp(-whole)) if self._chances else self._middle + self._deviation * whole


def _tells_nothing_apart(scores: NDArray[np.float64], sizes: NDArray[np.int64]) -> bool:
    """Whether all rows of each session, or of all where they have one each, score the same."""
    parts = np.split(scores, np.cumsum(sizes)[:-1]) if sizes.max() > 1 else [scores]
    return all(np.ptp(part) == 0 for part in parts if len(part))
