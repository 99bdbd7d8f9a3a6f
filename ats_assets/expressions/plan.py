"""From lowered nodes to a plan: the instructions of a whole set of expressions, each common part computed once.

A `Builder` numbers the nodes it is given by what they compute, so that equal parts are one node. `assemble` then works back from the results: which
nodes are needed, how many rows before the first wanted one (the *reach*), and which register each can have.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.expressions.machine import FIRST, INSTRUCTION_WIDTH, LAG, OP, ROUND, ROWS, SOURCES, TARGET, Op

STARTED_REGISTER: Final = 0
"""Rows since the symbol's first row in the block, that row included; 0 or less before it."""
PRESENT_REGISTER: Final = 1
"""Rows since the last row that is in the panel."""
ZERO_REGISTER: Final = 2

#: which sources are read `lag` sessions back, by instruction; the others are read at the current row
_LAGGED_SOURCES: Final = {
    Op.LAGGED: (0,),
    Op.SUM_MERGE: (1,),
    Op.AGE_MERGE: (1, 2),
    Op.AGE_SQUARED_MERGE: (1, 2, 3),
    Op.DEVIATION_MERGE: (1, 3, 5),
    Op.CODEVIATION_MERGE: (1, 3, 5, 7),
    Op.MAX_MERGE: (1,),
    Op.ARG_MERGE: (1, 3),
    Op.QUANTILE: (0,),
}


@dataclass(frozen=True, slots=True)
class Node:
    """One instruction (or, where `op` is None, an input) of the plan; the sources are numbers of earlier nodes."""

    op: Op | None
    sources: tuple[int, ...] = ()
    lag: int = 0
    rows: int = 0
    constant: float = 0.0
    rounded: bool = False
    name: str = ""

    def source_lag(self, place: int) -> int:
        """How far back a source is read, in sessions."""
        if self.op is Op.RANK_COUNT:
            return self.rows - 1 if place == 0 else 0
        return self.lag if self.op is not None and place in _LAGGED_SOURCES.get(self.op, ()) else 0


@dataclass(frozen=True, slots=True)
class Window:
    """How to compute one window anew when its first rows are absent from the panel: the result, its inputs, and what makes it."""

    node: int
    inputs: tuple[int, ...]
    rows: int
    lower: "Callable[[Builder, tuple[int, ...]], int]"


@dataclass(slots=True)
class Builder:
    """Collects nodes, equal ones once."""

    nodes: list[Node] = field(default_factory=list)
    numbers: dict[Node, int] = field(default_factory=dict)
    lookbacks: list[int] = field(default_factory=list)
    windows: dict[int, Window] = field(default_factory=dict)
    started: int = field(init=False)
    present: int = field(init=False)
    zero: int = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.add(Node(None, name="started"))
        self.present = self.add(Node(None, name="present"))
        self.zero = self.number(0.0)

    def add(self, node: Node) -> int:
        """The number of a node, new or known."""
        known = self.numbers.get(node)
        if known is None:
            known = self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
            self.lookbacks.append(max((self.lookbacks[s] + node.source_lag(i) for i, s in enumerate(node.sources)), default=0))
        return known

    def emit(self, op: Op, *sources: int, lag: int = 0, rows: int = 0, constant: float = 0.0, rounded: bool = False) -> int:
        """Add an instruction."""
        return self.add(Node(op, sources, lag, rows, constant, rounded))

    def field(self, name: str) -> int:
        """A column of the panel."""
        return self.add(Node(None, name=f"${name}"))

    def number(self, value: float) -> int:
        """A constant."""
        return self.add(Node(None, constant=value, name="number"))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A program for the machine.

    Parameters
    ----------
    lookback
        Sessions before the current one that are needed.
    fields
        Columns of the panel; the i-th is in register `field_registers[i]`.
    numbers
        Registers that hold a constant, with its value.
    code, constants
        The instructions, then those of the windows that are computed anew.
    segments : int32 array of shape (n_segments, 4)
        Stretches of instructions (first, last), after each of which `windows[third]` is mended (or -1) and the register `fourth` is… see below.
    """

    lookback: int
    fields: tuple[str, ...]
    field_registers: NDArray[np.int32]
    numbers: tuple[tuple[int, float], ...]
    code: NDArray[np.int32]
    constants: NDArray[np.float64]
    segments: NDArray[np.int32]
    windows: NDArray[np.int32]
    outputs: NDArray[np.int32]
    registers: int
    window_registers: int
    longest_window: int
