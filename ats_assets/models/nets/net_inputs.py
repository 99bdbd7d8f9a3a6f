"""What a net sees: steps of scaled channels.

- features: a step is a session of the sequence, its channels the features.
- prices: a step is a session of a row of alpha360, which holds the last 60; the channels are the logarithms of open, high, low, close, vwap and volume over today's close
  and volume, adjusted inside that window as known at the decision.
- returns: the same over the close, and the volume, of the step before.

A channel is scaled by the median and the median deviation of the rows to train on, alone, and clipped at three; what is missing is at the median, 0. One channel more
says whether the step is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import ModelError
from ats_assets.models.nets.net_settings import NetInput
from ats_assets.models.sequences import MISSING, Sequences, single_rows

SERIES: Final = ("OPEN", "HIGH", "LOW", "CLOSE", "VWAP", "VOLUME")
"""Of alpha360, whose factors are called after them and the age: CLOSE0 is today's."""
CLOSE, VOLUME = SERIES.index("CLOSE"), SERIES.index("VOLUME")
OLDEST: Final = 59
CLIPPED: Final = 3.0
NORMAL: Final = 1.4826
"""A normal deviation over its median one."""
SCALED_BY: Final = 200_000
"""Values that the scale of a channel is made of, at most."""

Values = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class InputPlan:
    """How rows become steps. `columns` are positions of features: of shape (n_channels,), or (sessions, series) of prices and returns."""

    kind: NetInput
    length: int
    columns: NDArray[np.int64]
    middle: Values
    scale: Values
    """One over the deviation; 0 of a channel that tells nothing apart."""

    @property
    def channels(self) -> int:
        """With the one that says whether the step is there."""
        return len(self.middle) + 1

    def described(self) -> dict[str, Any]:
        """For the metadata of the file; the arrays are among its tensors."""
        return {"inputs": self.kind, "length": self.length, "columns": self.columns.tolist()}

    def credited(self, sizes: NDArray[np.float64], features: Sequence[str]) -> dict[str, float]:
        """What each step and channel, of shape (length, n_channels - 1), comes to for each feature."""
        total = np.zeros(len(features))
        if self.kind == "features":
            total[self.columns] = sizes.sum(axis=0)
        else:
            np.add.at(total, self.columns[-self.length :], sizes)
        return dict(zip(features, total.tolist(), strict=True))


@dataclass(frozen=True, kw_only=True)
class NetInputs:
    """Steps of rows: `table` is float32 of shape (n_steps + 1, n_channels), the last one empty, `places` int64 of shape (n_rows, length)."""

    table: Values
    places: NDArray[np.int64]

    def rows(self, at: Any) -> Values:
        """Of some rows: float32 of shape (n, length, n_channels)."""
        return self.table[self.places[at]]


def input_plan(kind: NetInput, length: int, features: Sequence[str], x: Values) -> InputPlan:
    """The plan whose scale is that of rows to train on, float32 of shape (n_rows, n_features).

    Raises
    ------
    ModelError
        If the features lack those of alpha360 that prices and returns are made of.
    """
    columns = np.arange(len(features)) if kind == "features" else _of_alpha360(kind, length, features)
    least = max(1, len(x) * (1 if kind == "features" else length) // SCALED_BY)
    steps = _steps(kind, columns, x[::least]).reshape(-1, len(features) if kind == "features" else len(SERIES))
    scaled = [_middle_and_scale(channel) for channel in steps.T]
    middle, scale = (
        (np.array(values, dtype=np.float32) for values in zip(*scaled, strict=True)) if scaled else (np.empty(0, np.float32),) * 2
    )
    return InputPlan(kind=kind, length=length, columns=columns, middle=middle, scale=scale)


def net_inputs(plan: InputPlan, x: Values | Sequences) -> NetInputs:
    """The steps of rows, or of sequences."""
    if plan.kind == "features":
        found = x if isinstance(x, Sequences) else single_rows(x)
        table = _scaled(plan, found.table)
        table[:-1, -1] = 1.0
        places = found.places.astype(np.int64)
        places[places == MISSING] = len(table) - 1
        return NetInputs(table=table, places=places)
    if isinstance(x, Sequences):
        x = x.table[x.places[:, -1]]
    steps = _steps(plan.kind, plan.columns, x).reshape(-1, len(SERIES))
    table = _scaled(plan, steps)
    table[:-1, -1] = np.isfinite(steps).all(axis=1)
    return NetInputs(table=table, places=np.arange(len(steps)).reshape(-1, plan.length))


def _of_alpha360(kind: NetInput, length: int, features: Sequence[str]) -> NDArray[np.int64]:
    """Positions of the factors, the oldest session first; returns take one session more."""
    oldest = length if kind == "returns" else length - 1
    if oldest > OLDEST:
        raise ModelError(
            f"inputs = {kind!r} with sequence_sessions = {length} takes {oldest + 1} sessions of prices, and alpha360 has {OLDEST + 1}: lower it"
        )
    place = {name: i for i, name in enumerate(features)}
    names = [[f"{series}{age}" for series in SERIES] for age in range(oldest, -1, -1)]
    if lacking := [name for of_session in names for name in of_session if name not in place]:
        raise ModelError(
            f"inputs = {kind!r} are made of the factors of alpha360, and {len(lacking)} of them are not among the features, such as {lacking[0]}: "
            "add alpha360 to training.families, or set inputs to 'features'"
        )
    return np.array([[place[name] for name in of_session] for of_session in names])


def _steps(kind: NetInput, columns: NDArray[np.int64], x: Values) -> Values:
    """Before they are scaled: float32 of shape (n_rows, length, n_channels)."""
    values = x[:, columns]
    if kind == "features":
        return values[:, None]
    logs = np.full(values.shape, np.nan, dtype=np.float32)
    np.log(values, out=logs, where=values > 0)
    if kind == "prices":
        return logs
    before = np.repeat(logs[:, :-1, CLOSE : CLOSE + 1], len(SERIES), axis=2)
    before[:, :, VOLUME] = logs[:, :-1, VOLUME]
    return logs[:, 1:] - before


def _middle_and_scale(channel: Values) -> tuple[float, float]:
    known = channel[np.isfinite(channel)].astype(np.float64)
    if not len(known) or known.min() == known.max():
        return (float(known[0]) if len(known) else 0.0), 0.0
    middle = float(np.median(known))
    deviation = NORMAL * float(np.median(np.abs(known - middle))) or float(known.std())
    scale = np.float32(1.0 / deviation)
    return middle, float(scale) if np.isfinite(scale) else 0.0


def _scaled(plan: InputPlan, values: Values) -> Values:
    """With a channel and an empty step more."""
    table = np.zeros((len(values) + 1, plan.channels), dtype=np.float32)
    z = (values - plan.middle) * plan.scale
    np.clip(z, -CLIPPED, CLIPPED, out=z)
    table[:-1, :-1] = np.where(np.isfinite(values), z, np.float32(0.0))
    return table
