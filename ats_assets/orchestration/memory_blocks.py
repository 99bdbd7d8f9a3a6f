"""Steps in blocks of sessions that fit into memory (`runs.max_memory_mb`).

A partition is a pure function of partitions before it, so a step may make its sessions in blocks of any size, one after the other, to the same bytes. How large a block may be
is told before anything is read, from the rows that are stored of what the step reads (Parquet files say how many without being read) and the widths of the columns:

    bytes = WORKING * (rows read of the windows) + MAKING * (rows made)

A step whose single session does not fit is refused, with what it needs. Blocks are of sessions and never of symbols: operators across symbols need all of them, and a
session of 10,000 symbols and 158 features is 6 MB. Without the setting a step is one block.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import MemoryLimitError
from ats_assets.orchestration.streaming import InBlocks

if TYPE_CHECKING:
    from ats_assets.orchestration.reading import Reader, Span

WORKING: Final = 6.0
"""Copies of what is read that a step holds at once: the rows, joined with what instruments they are, sorted, as arrays."""
MAKING: Final = 1.5
"""Copies of what it makes: the rows, and those that are being written."""
FIRST_BLOCK: Final = 21
"""Sessions of the first block of a delivery, of which nothing is stored that would tell how many rows it has."""
GROWING: Final = 4
"""Times the sessions of the block before, at most: those may lie before most of the history, and have few rows or none."""
WIDTHS: Final = {
    pl.Boolean(): 1,
    pl.Int8(): 1,
    pl.UInt8(): 1,
    pl.Int32(): 4,
    pl.UInt32(): 4,
    pl.Float32(): 4,
    pl.Date(): 4,
    pl.String(): 24,
}
"""Bytes of a value; of others 8, of lists 48."""


@dataclass(frozen=True, kw_only=True)
class SessionCost:
    """What sessions of a step take in memory, in bytes: what lies before the first of them in the windows, and each of them."""

    before: float
    each: float

    def at_once(self, bound: int) -> int:
        """How many sessions fit; 0 if not even one does."""
        return max(0, math.floor((bound - self.before) / self.each)) if self.each else 1_000_000


@dataclass(frozen=True, kw_only=True)
class SomeSessions:
    """What the function of a step asks of Dagster's context, for a part of its sessions."""

    partition_keys: Sequence[str]


def row_bytes(schema: pl.Schema) -> int:
    """What a row takes in memory, about.

    Examples
    --------
    >>> row_bytes(pl.Schema({"symbol": pl.String, "session": pl.Date, "close": pl.Float64}))
    36
    """
    return sum(48 if isinstance(dtype, pl.List) else WIDTHS.get(dtype, 8) for dtype in schema.dtypes())


def session_cost(deployment: Deployment, asset: str, reads: "Sequence[Span]", sessions: Sequence[date]) -> SessionCost:
    """What the sessions of a step take, from what is stored of what they read, and of what they made before."""
    before = each = 0.0
    most, calendar = 0, deployment.calendar
    some = sorted({sessions[0], sessions[len(sessions) // 2], sessions[-1]})
    for one in reads:
        if one.asset not in deployment.schemas:  # a model
            continue
        windows = [one.sessions_read(calendar, day) for day in some]
        rows = max((_rows(deployment, one.asset, window[-1]) for window in windows if window), default=0)
        of_session = rows * row_bytes(_read(deployment.schemas[one.asset], one)) * WORKING
        before += of_session * max(0, max(map(len, windows)) - 1)
        each += of_session
        most = max(most, rows)
    made = max([most, *(_rows(deployment, asset, day) for day in some)])
    own = row_bytes(deployment.schemas[asset]) if asset in deployment.schemas else 0
    return SessionCost(before=before, each=each + MAKING * made * own)


def whole_cost(deployment: Deployment, asset: str, sessions: Sequence[date], columns: Sequence[str]) -> float:
    """What the stored rows of all sessions take at once, with what is made of them, in bytes."""
    some = sorted({sessions[0], sessions[len(sessions) // 2], sessions[-1]})
    schema = deployment.schemas[asset]
    rows = max(_rows(deployment, asset, day) for day in some)
    return WORKING * rows * len(sessions) * row_bytes(pl.Schema({name: schema[name] for name in columns}))


def _read(schema: pl.Schema, window: "Span") -> pl.Schema:
    """Of the columns those that are read."""
    columns = getattr(window, "columns", ())
    return pl.Schema({name: schema[name] for name in columns if name in schema}) if columns else schema


def _rows(deployment: Deployment, asset: str, session: date) -> int:
    path = deployment.warehouse.path(asset, session)
    deployment.warehouse.root_folder.at_hand([path])
    return pl.scan_parquet(path, hive_partitioning=False).select(pl.len()).collect().item() if path.is_file() else 0


def blocks_of_step(deployment: Deployment, asset: str, reads: "Sequence[Span]", sessions: Sequence[date]) -> list[Sequence[date]]:
    """The sessions in blocks of neighbours that fit, as even as can be; one block where there is no bound.

    Raises
    ------
    MemoryLimitError
        If not even one session fits.
    """
    bound = deployment.settings.runs.step_bytes
    if bound is None or not sessions:
        return [sessions] if sessions else []
    cost = session_cost(deployment, asset, reads, sessions)
    at_once = cost.at_once(bound)
    if not at_once:
        raise MemoryLimitError(_refusal(deployment, asset, cost.before + cost.each))
    return even_blocks(sessions, at_once)


def _refusal(deployment: Deployment, asset: str, needed: float) -> str:
    runs = deployment.settings.runs
    least = math.ceil(runs.max_memory_for_step(needed) / 100) * 100
    return (
        f"one session of {asset} takes about {needed / 2**20:,.0f} MB with the windows that it reads; runs.max_memory_mb = {runs.max_memory_mb} leaves "
        f"{(runs.step_bytes or 0) / 2**20:,.0f} MB to a step: set it to {least} or more, take fewer symbols, or shorten the look-back"
    )


def require_whole(deployment: Deployment, what: str, needed: float, smaller: str) -> None:
    """See that what can't be made in blocks fits into memory.

    Parameters
    ----------
    needed
        In bytes.
    smaller
        What makes it smaller.

    Raises
    ------
    MemoryLimitError
        If it does not, or not beside what a process holds anyway.
    """
    runs = deployment.settings.runs
    if runs.whole_bytes is not None and needed > runs.whole_bytes:
        least = math.ceil(runs.max_memory_for_whole(needed) / 100) * 100
        raise MemoryLimitError(
            f"{what} takes about {needed / 2**20:,.0f} MB; runs.max_memory_mb = {runs.max_memory_mb} leaves {runs.whole_bytes / 2**20:,.0f} MB: "
            f"set it to {least} or more, or {smaller}"
        )


def even_blocks(sessions: Sequence[date], at_once: int) -> list[Sequence[date]]:
    """Sessions in blocks of at most so many.

    Examples
    --------
    >>> days = [date(2024, 1, day) for day in range(1, 8)]
    >>> [len(block) for block in even_blocks(days, 3)], [len(block) for block in even_blocks(days, 100)]
    ([3, 2, 2], [7])
    """
    count = -(-len(sessions) // at_once)
    size, larger = divmod(len(sessions), count)
    ends = [0]
    for i in range(count):
        ends.append(ends[-1] + size + (i < larger))
    return [sessions[first:last] for first, last in pairwise(ends)]


def in_blocks(deployment: Deployment, step: "Reader", make: Callable[[Any], pl.DataFrame]) -> Callable[[Any], "pl.DataFrame | InBlocks"]:
    """The function of a step that makes many rows: in blocks that are written before the next is made, where its sessions do not fit together.

    Parameters
    ----------
    make
        Of a context whose partition keys it makes; it asks nothing else of it.
    """
    import dagster as dg  # noqa: PLC0415 - what only reads in blocks needs no Dagster

    from ats_assets.orchestration.partitions import sessions_of  # noqa: PLC0415 - as above

    def made(context: dg.AssetExecutionContext) -> Any:
        blocks = blocks_of_step(deployment, step.name, step.reads, sessions_of(context.partition_keys))
        if len(blocks) < 2:
            return make(context)
        return InBlocks(parts=((block, make(_some(block))) for block in blocks))

    made.__name__, made.__doc__ = make.__name__, make.__doc__
    return made


def _some(sessions: Sequence[date]) -> SomeSessions:
    return SomeSessions(partition_keys=[day.isoformat() for day in sessions])


def delivered_in_blocks(
    deployment: Deployment, sessions: Sequence[date], ask: Callable[[Sequence[date]], pl.DataFrame]
) -> "pl.DataFrame | InBlocks":
    """What a source delivers of sessions, asked for in blocks: how many rows a session has is told by the block before."""
    bound = deployment.settings.runs.step_bytes
    if bound is None or len(sessions) <= FIRST_BLOCK:
        return ask(sessions)

    def parts() -> Iterator[tuple[Sequence[date], pl.DataFrame]]:
        first, at_once = 0, FIRST_BLOCK
        while first < len(sessions):
            block = sessions[first : first + at_once]
            frame = ask(block)
            of_session = (WORKING + MAKING) * max(frame.estimated_size(), 1) / len(block)
            yield block, frame
            first += len(block)
            at_once = max(1, min(GROWING * len(block), int(bound / of_session)))

    return InBlocks(parts=parts())
