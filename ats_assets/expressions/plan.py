"""From nodes to a plan: the instructions of a whole set of expressions, each common part computed once.

`assemble` works back from the results: which nodes are needed, in which rows, and which register each can have.

Rows are counted back from a wanted one, as the bits of a whole number: a mean of 20 rows that is made of means of 10 needs these in the rows 0 and 10, which is 2^0 + 2^10. For many sessions
each instruction runs over all rows from the farthest (its *reach*) on, since what one session leaves out another needs. For one session alone it runs over the rows that are needed: about a third.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.expressions.builder import Builder, Instruction
from ats_assets.expressions.opcodes import AFTER, FIRST, INSTRUCTION_WIDTH, LAG, OP, ROUND, ROWS, SOURCES, TARGET, Op

LANES: Final = 8
"""Symbols side by side in a block."""
BLOCK_VALUES: Final = 2_048
"""Wanted values of one series in a block; the registers should stay in the processor's cache."""
LONG_LOOKBACK: Final = 2_000
"""Sessions; a plan that looks back farther is run symbol by symbol, for the sake of memory."""
LARGEST_STEP: Final = 3
"""Needed rows no farther apart are computed by one instruction, with those between them: an instruction of its own costs more."""

READ_WHOLE: Final = frozenset({Op.QUANTILE, Op.RANK_COUNT, Op.MEAN_DISTANCE})
"""Instructions that read each row of a window of their first source."""

STARTED_REGISTER: Final = 0
"""Rows since the symbol's first row in the block, that row included; 0 or less before it."""
PRESENT_REGISTER: Final = 1
"""Rows since the last row that is in the panel."""
ZERO_REGISTER: Final = 2


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A program for the machine.

    Parameters
    ----------
    lookback
        Sessions before the current one that are needed.
    fields
        The columns of the panel that are read, sorted.
    field_registers
        The register that each goes to.
    numbers
        Registers that hold a constant, with its value.
    code : int32 array of shape (n_instructions, INSTRUCTION_WIDTH)
        The program, then those that compute one window again.
    constants : float64 array of shape (n_instructions,)
    segments : int32 array of shape (n_segments, 5)
        First and last instruction, the window to mend after them (or -1), the result to store then (or -1), and its register.
    windows : int32 array of shape (n_windows, 10)
        First and last instruction, rows, first row in need, register to mend, its two inputs (or -1), their registers and the result's in the window's program.
    source
        What it was assembled from.
    """

    lookback: int
    fields: tuple[str, ...]
    field_registers: tuple[int, ...]
    numbers: tuple[tuple[int, float], ...]
    code: NDArray[np.int32]
    constants: NDArray[np.float64]
    segments: NDArray[np.int32]
    windows: NDArray[np.int32]
    registers: int
    window_registers: int
    longest_window: int
    source: tuple[Builder, tuple[int, ...]] = field(repr=False, compare=False)

    @cached_property
    def for_one_session(self) -> "Plan":
        """The plan that makes the same of one session alone."""
        builder, results = self.source
        return assemble(builder, results, one_session=True)

    @property
    def scratch_bytes(self) -> int:
        """Working memory of a thread: registers of a block of symbols and sessions."""
        lanes = LANES if self.lookback < LONG_LOOKBACK else 1
        return self.registers * max(3 * self.lookback * lanes + BLOCK_VALUES, 2 * BLOCK_VALUES) * 8


@dataclass(frozen=True, slots=True)
class _Program:
    """The needed nodes in order, the register of each, and their instructions."""

    needed: list[int]
    reach: dict[int, int]
    register: dict[int, int]
    registers: int
    ends: dict[int, int]
    code: NDArray[np.int32]
    constants: NDArray[np.float64]


def assemble(builder: Builder, results: Sequence[int], *, one_session: bool = False) -> Plan:
    """Make the plan that computes the results, in order, for any number of sessions or for one alone."""
    program = _program(builder, results, alone=one_session)
    codes, constants = [program.code], [program.constants]
    at = len(program.code)
    windows: list[tuple[int, ...]] = []
    window_of: dict[int, int] = {}
    window_registers = 0
    lookback = max(program.reach.values(), default=0)
    for number in program.needed:
        window = builder.windows.get(number)
        if window is None:
            continue
        part = Builder(qlib_flat=builder.qlib_flat)
        inputs = [part.field(str(i)) for i in range(len(window.inputs))]
        result = window.lower(part, tuple(inputs))
        anew = _program(part, [result], alone=True, history=window.rows - 1)
        window_of[number] = len(windows)
        mended = [program.register[i] for i in window.inputs]
        places = [anew.register.get(i, anew.registers) for i in inputs]
        first = lookback - program.reach[number]
        windows.append(
            (at, at + len(anew.code), window.rows, first, program.register[number], *_pair(mended), *_pair(places), anew.register[result])
        )
        at += len(anew.code)
        codes.append(anew.code)
        constants.append(anew.constants)
        window_registers = max(window_registers, anew.registers + 1)
    fields = {n.name[1:]: program.register[i] for i in program.needed if (n := builder.nodes[i]).name.startswith("$")}
    fields = dict(sorted(fields.items()))
    return Plan(
        lookback=lookback,
        fields=tuple(fields),
        field_registers=tuple(fields.values()),
        numbers=tuple((program.register[i], n.constant) for i in program.needed if (n := builder.nodes[i]).name == "number"),
        code=np.concatenate(codes),
        constants=np.concatenate(constants),
        segments=_segments(program, results, window_of),
        windows=np.array(windows, np.int32).reshape(-1, 10),
        registers=program.registers,
        window_registers=window_registers,
        longest_window=max((n.rows for i in program.needed if (n := builder.nodes[i]).op is Op.QUANTILE), default=0),
        source=(builder, tuple(results)),
    )


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return values[0], values[1] if len(values) > 1 else -1


def _segments(program: _Program, results: Sequence[int], window_of: Mapping[int, int]) -> NDArray[np.int32]:
    """Cut the program after each node that is mended or stored."""
    outputs: dict[int, list[int]] = {}
    for place, result in enumerate(results):
        outputs.setdefault(result, []).append(place)
    segments: list[tuple[int, ...]] = []
    first = last = 0
    for number in program.needed:
        last = program.ends.get(number, last)
        if number in window_of:
            segments.append((first, last, window_of[number], -1, -1))
            first = last
        for place in outputs.get(number, ()):
            segments.append((first, last, -1, place, program.register[number]))
            first = last
    return np.array(segments, np.int32).reshape(-1, 5)


def _program(builder: Builder, results: Sequence[int], *, alone: bool, history: int | None = None) -> _Program:
    """Find what the results need, and give it registers by its last use.

    alone: for one row; `history` are the rows before it (default: what is needed).
    """
    nodes = builder.nodes
    rows_needed = _rows_needed(builder, results)
    reach = {number: rows.bit_length() - 1 for number, rows in rows_needed.items()}
    needed, followers = _in_order(nodes, reach)
    last_uses = _ends(builder, needed, followers)
    rows = max(reach.values()) if history is None else history
    register = {builder.started: STARTED_REGISTER, builder.present: PRESENT_REGISTER, builder.zero: ZERO_REGISTER}
    count, free = len(register), list[int]()
    code: list[list[int]] = []
    constants: list[float] = []
    ends: dict[int, int] = {}
    for place, number in enumerate(needed):
        node = nodes[number]
        if number not in register:
            if node.op is not None and free:
                register[number] = free.pop()
            else:
                register[number], count = count, count + 1
        if node.op is not None:
            whole = not alone or node.op is Op.QUANTILE
            for farthest, nearest in [(reach[number], 0)] if whole else _stretches(rows_needed[number]):
                code.append(_instruction(node, register, register[number], rows - farthest, nearest))
                code[-1][SOURCES + 1] = followers.get(number, code[-1][SOURCES + 1])
                constants.append(node.constant)
            ends[number] = len(code)
        free.extend(register[done] for done in last_uses[place] if nodes[done].op is not None)
    instructions = np.array(code, np.int32).reshape(-1, INSTRUCTION_WIDTH)
    return _Program(needed, reach, register, count, ends, instructions, np.array(constants, np.float64))


def _rows_needed(builder: Builder, results: Sequence[int]) -> dict[int, int]:
    """The nodes that the results need, and the rows of each."""
    nodes = builder.nodes
    needed = dict.fromkeys(results, 1)
    for number in range(len(nodes) - 1, -1, -1):
        rows = needed.get(number, 0)
        if not rows:
            continue
        node = nodes[number]
        for i, source in enumerate(node.sources):
            lag = node.source_lag(i)
            read = _up_to(rows, lag) if i == 0 and node.op in READ_WHOLE else rows << lag
            needed[source] = needed.get(source, 0) | read
        window = builder.windows.get(number)
        for source in window.inputs if window else ():
            needed[source] = needed.get(source, 0) | _up_to(rows, window.rows - 1 if window else 0)
    return needed


def _up_to(rows: int, lag: int) -> int:
    """The rows, and those up to `lag` before each."""
    done = 0
    while done < lag:
        step = min(done + 1, lag - done)
        rows |= rows << step
        done += step
    return rows


def _stretches(rows: int) -> Iterator[tuple[int, int]]:
    """Rows that lie side by side, or nearly: the farthest and the nearest one, from the farthest on."""
    while rows:
        farthest = nearest = rows.bit_length() - 1
        rows -= 1 << farthest
        while rows and nearest - (following := rows.bit_length() - 1) <= LARGEST_STEP:
            nearest = following
            rows -= 1 << nearest
        yield farthest, nearest


def _in_order(nodes: Sequence[Instruction], reach: dict[int, int]) -> tuple[list[int], dict[int, int]]:
    """The needed nodes in the order of their numbers, but all quantiles of one window together, since one sorted window serves them.

    Their reach is made the same. Also returned: how many of them the first one computes, and 0 for the others.
    """
    quantiles: dict[tuple[object, ...], list[int]] = {}
    for number in sorted(reach):
        if nodes[number].op is Op.QUANTILE:
            quantiles.setdefault((nodes[number].sources, nodes[number].rows), []).append(number)
    needed: list[int] = []
    followers: dict[int, int] = {}
    for number in sorted(reach):
        together = quantiles.get((nodes[number].sources, nodes[number].rows)) if nodes[number].op is Op.QUANTILE else None
        if together is None:
            needed.append(number)
        elif number == together[0]:
            needed += together
            followers |= {number: len(together)} | dict.fromkeys(together[1:], 0)
            reach |= dict.fromkeys(together, max(reach[other] for other in together))
    return needed, followers


def _ends(builder: Builder, needed: Sequence[int], followers: Mapping[int, int]) -> list[list[int]]:
    """For each place of the program the nodes that nothing after it reads. Quantiles of one window are written together, and end together."""
    last = {number: place for place, number in enumerate(needed)}
    for place, number in enumerate(needed):
        for together in range(followers.get(number, 0)):
            last[needed[place + together]] = place + followers[number] - 1
    for place, number in enumerate(needed):
        for source in {*builder.nodes[number].sources, *(builder.windows[number].inputs if number in builder.windows else ())}:
            last[source] = max(last[source], place)
    ends: list[list[int]] = [[] for _ in needed]
    for number, place in last.items():
        ends[place].append(number)
    return ends


def _instruction(node: Instruction, register: Mapping[int, int], target: int, first: int, after: int) -> list[int]:
    row = [0] * INSTRUCTION_WIDTH
    row[OP], row[TARGET], row[LAG], row[ROWS] = int(node.op or 0), target, node.lag, node.rows
    row[FIRST], row[AFTER], row[ROUND] = first, after, int(node.rounded)
    for i, source in enumerate(node.sources):
        row[SOURCES + i] = register[source]
    return row
