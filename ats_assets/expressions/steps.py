"""Plans: expressions as steps in order of evaluation, each distinct sub-expression computed once.

1. Every expression is parsed, its operators, arguments, windows and kinds (numbers or conditions) are checked.
2. Each operator adds its steps; a step that does the same as an earlier one is that one.
3. The look-back of a step is what its operands look back plus its own reach; the plan's is the largest. No data is read for it.
4. The step after which a value is no longer needed is noted, so that evaluation holds few arrays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ats_assets.errors import ExpressionError
from ats_assets.expressions.arrays import Values

MAX_LOOKBACK = 100_000
"""Rows that an expression may look back in all, windows within windows included."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The value of an earlier step."""

    step: int
    is_condition: bool
    lookback: int


Operand = Reference | float
"""A value, or a number that is the same on every row."""


@dataclass(frozen=True, slots=True)
class Step:
    """One array to compute: `function(block, *values of operands, *parameters)`."""

    function: Callable[..., Values]
    operands: tuple[Operand, ...]
    parameters: tuple[int | float | str, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What has to be computed, in order.

    Attributes
    ----------
    steps
        In order of evaluation: a step refers to earlier ones only.
    outputs
        Output name to the step that gives it, in the order of the expressions.
    last_uses
        For each step, the steps whose values are not needed after it.
    fields
        The columns of the panel that are read, sorted.
    lookback
        Sessions before the current one that are needed.
    """

    steps: tuple[Step, ...]
    outputs: Mapping[str, int]
    last_uses: tuple[tuple[int, ...], ...]
    fields: tuple[str, ...]
    lookback: int


class PlanBuilder:
    """Steps so far, and where to find one that does the same."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._known: dict[Step, Reference] = {}
        self._outputs: dict[str, int] = {}
        self._fields: set[str] = set()
        self._lookback = 0

    def add(
        self,
        function: Callable[..., Values],
        *operands: Operand,
        parameters: tuple[int | float | str, ...] = (),
        reach: int = 0,
        is_condition: bool = False,
    ) -> Reference:
        """The value of a step, which is made if no step does the same. `reach`: rows that it looks back from the row of its result."""
        step = Step(function, operands, parameters)
        if step not in self._known:
            lookback = reach + max((operand.lookback for operand in operands if isinstance(operand, Reference)), default=0)
            self._known[step] = Reference(len(self._steps), is_condition, lookback)
            self._steps.append(step)
        return self._known[step]

    def field(self, function: Callable[..., Values], name: str) -> Reference:
        """The value of a column of the panel."""
        self._fields.add(name)
        return self.add(function, parameters=(name,))

    def output(self, name: str, value: Reference) -> None:
        """Name the value of an expression."""
        if value.lookback > MAX_LOOKBACK:
            raise ExpressionError(f"`{name}` looks back {value.lookback} sessions in all; {MAX_LOOKBACK} are the most. Shorten its windows")
        self._outputs[name] = value.step
        self._lookback = max(self._lookback, value.lookback)

    def plan(self) -> Plan:
        """The steps that were added, with when each value is last used."""
        last_use = {
            operand.step: number for number, step in enumerate(self._steps) for operand in step.operands if isinstance(operand, Reference)
        }
        releases: list[list[int]] = [[] for _ in self._steps]
        for number in range(len(self._steps)):
            releases[last_use.get(number, number)].append(number)
        return Plan(
            steps=tuple(self._steps),
            outputs=dict(self._outputs),
            last_uses=tuple(map(tuple, releases)),
            fields=tuple(sorted(self._fields)),
            lookback=self._lookback,
        )
