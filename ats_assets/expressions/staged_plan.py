"""A plan in stages: what an operator takes from beyond a symbol's past is made by an earlier stage.

A stage's programs make columns; these are laid out over the panel's rows, or taken across the symbols of each session, and are fields of later stages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ats_assets.expressions.builder import GROUP, Builder, Staged
from ats_assets.expressions.plan import Plan, assemble


@dataclass(frozen=True, slots=True)
class Program:
    """What one stage computes for one symbol (None: for all): the plan, and the column that each of its results is."""

    symbol: str | None
    plan: Plan
    nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """Programs, what is made of their columns (field name to it), and how many sessions before the wanted ones it is needed from."""

    programs: tuple[Program, ...]
    fields: Mapping[str, Staged]
    back: int


@dataclass(frozen=True, kw_only=True)
class StagedPlan:
    """A whole set of expressions, compiled.

    Parameters
    ----------
    stages
        What comes before the last program, in order.
    last
        The program that makes the results.
    lookbacks
        Of each result, in order: the sessions before the current one that it needs.
    lookahead
        Sessions after the current one that are needed in all.
    fields
        The columns of the panel that are read as numbers, sorted.
    groups
        The columns of the panel that are read as groups, sorted.
    """

    stages: tuple[Stage, ...]
    last: Plan
    lookbacks: tuple[int, ...]
    lookahead: int
    fields: tuple[str, ...]
    groups: tuple[str, ...]

    @property
    def lookback(self) -> int:
        """Sessions before the current one that are needed in all."""
        return max(self.lookbacks, default=0)

    @property
    def plans(self) -> list[Plan]:
        """The plans of all programs."""
        return [*(program.plan for stage in self.stages for program in stage.programs), self.last]

    @property
    def symbols(self) -> list[str]:
        """The symbols that the expressions name, sorted."""
        return sorted({program.symbol for stage in self.stages for program in stage.programs if program.symbol is not None})


def plan_stages(builder: Builder, results: Sequence[int]) -> StagedPlan:
    """Make the plan that computes the results, in order."""
    names = {builder.nodes[node].name[1:]: staged for staged, node in builder.stages.items()}
    levels = {builder.nodes[node].name[1:]: builder.levels[node] for node in builder.stages.values()}
    last = assemble(builder, results)
    users = [(last, 0)]
    stages: list[Stage] = []
    for level in range(max((builder.levels[node] for node in results), default=0), 0, -1):
        needed = {name: names[name] for plan, _ in users for name in plan.fields if levels.get(name) == level}
        back = max(back + plan.lookback for plan, back in users if needed.keys() & set(plan.fields))
        programs = _programs(builder, needed.values())
        stages.append(Stage(programs, needed, back))
        users += [(program.plan, back) for program in programs]
    read = {name for plan, _ in users for name in plan.fields if name not in names}
    return StagedPlan(
        stages=tuple(reversed(stages)),
        last=last,
        lookbacks=tuple(builder.backs[node] for node in results),
        lookahead=max((builder.aheads[node] for node in results), default=0),
        fields=tuple(sorted(name for name in read if not name.startswith(GROUP))),
        groups=tuple(sorted(name.removeprefix(GROUP) for name in read if name.startswith(GROUP))),
    )


def _programs(builder: Builder, fields: Iterable[Staged]) -> tuple[Program, ...]:
    """One for each symbol whose series are needed, and one for the others."""
    nodes: dict[str | None, dict[int, None]] = {}
    for staged in fields:
        for column in staged.columns:
            nodes.setdefault(column.symbol, {})[column.node] = None
    return tuple(Program(symbol, assemble(builder, tuple(of)), tuple(of)) for symbol, of in nodes.items())
