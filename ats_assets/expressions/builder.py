"""The nodes that expressions are lowered to: each is numbered by what it computes, so that equal parts are one node."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from ats_assets.expressions.opcodes import Op

Flat = Literal["relative", "qlib"]
"""Which windows are flat, so that a correlation in them means nothing: by their mean, or by qlib's absolute thresholds."""

GROUP: Final = "@@"
"""Before the name of a column of the panel that is read as groups."""

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
    Op.WEIGHT_MERGE: (1,),
    Op.FADED_MERGE: (1, 3),
    Op.THIRD_MERGE: (1, 3, 5, 7),
    Op.FOURTH_MERGE: (1, 3, 5, 7),
    Op.FOURTH_COMPLETE: (2, 4, 6),
}


@dataclass(frozen=True, slots=True)
class Instruction:
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
        if self.op in (Op.RANK_COUNT, Op.MEAN_DISTANCE):
            return self.rows - 1 if place == 0 else 0
        return self.lag if self.op is not None and place in _LAGGED_SOURCES.get(self.op, ()) else 0


@dataclass(frozen=True, slots=True)
class WindowRecipe:
    """How to compute one window again when its first rows are absent from the panel: the result, its inputs, and what makes it."""

    node: int
    inputs: tuple[int, ...]
    rows: int
    lower: "Callable[[Builder, tuple[int, ...]], int]"


@dataclass(frozen=True, slots=True)
class PanelColumn:
    """A series as a column by the panel's rows: of the row's symbol or another one, of the row's session or a later one."""

    node: int
    symbol: str | None = None
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class Staged:
    """A field that an earlier stage makes: a column as it is (`op` is "column"), or a statistic across the symbols of a session."""

    op: str
    columns: tuple[PanelColumn, ...]


@dataclass(slots=True)
class Builder:
    """Collects nodes, equal ones once.

    `lookbacks` are counted within a stage; `backs` and `aheads` are the sessions before and after the current one that count in all. `levels` are the
    stages that have to run before. `qlib_flat` is 1 where qlib's rule says which windows are flat, else 0.
    """

    qlib_flat: float = 0.0

    nodes: list[Instruction] = field(default_factory=list)
    numbers: dict[Instruction, int] = field(default_factory=dict)
    lookbacks: list[int] = field(default_factory=list)
    backs: list[int] = field(default_factory=list)
    aheads: list[int] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    stages: dict[Staged, int] = field(default_factory=dict)
    windows: dict[int, WindowRecipe] = field(default_factory=dict)
    parts: dict[tuple[object, ...], int] = field(default_factory=dict)
    started: int = field(init=False)
    present: int = field(init=False)
    zero: int = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.add(Instruction(None, name="started"))
        self.present = self.add(Instruction(None, name="present"))
        self.zero = self.number(0.0)

    def add(self, node: Instruction) -> int:
        """The number of a node, new or known."""
        known = self.numbers.get(node)
        if known is None:
            known = self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
            lags = [(source, node.source_lag(i)) for i, source in enumerate(node.sources)]
            self.lookbacks.append(max((self.lookbacks[source] + lag for source, lag in lags), default=0))
            self.backs.append(max((self.backs[source] + lag for source, lag in lags), default=0))
            self.aheads.append(max([0, *(self.aheads[source] - lag for source, lag in lags)]))
            self.levels.append(max((self.levels[source] for source in node.sources), default=0))
        return known

    def emit(self, op: Op, *sources: int, lag: int = 0, rows: int = 0, constant: float = 0.0, rounded: bool = False) -> int:
        """Add an instruction."""
        return self.add(Instruction(op, sources, lag, rows, constant, rounded))

    def field(self, name: str) -> int:
        """A column of the panel."""
        return self.add(Instruction(None, name=f"${name}"))

    def staged(self, staged: Staged) -> int:
        """A field that an earlier stage makes."""
        known = self.stages.get(staged)
        if known is None:
            known = self.stages[staged] = self.field(f"@{len(self.stages)}")
            self.backs[known] = max([0, *(self.backs[column.node] - column.ahead for column in staged.columns)])
            self.aheads[known] = max([0, *(self.aheads[column.node] + column.ahead for column in staged.columns)])
            self.levels[known] = 1 + max(self.levels[column.node] for column in staged.columns)
        return known

    def number(self, value: float) -> int:
        """A constant."""
        return self.add(Instruction(None, constant=value, name="number"))
