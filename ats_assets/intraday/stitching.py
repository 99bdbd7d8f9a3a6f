"""Ticks of two vendors put together where the first has a hole: none is lost at the edges of the hole, and none is there twice.

A hole of a symbol is a silence within its hours that is longer than settings allow; quiet symbols have those too, so it is one only if the other vendor has ticks in it.

Both vendors have most ticks around a hole, so which of the other's are new is told by counting, tick by tick:

1. Between two holes the first vendor's ticks are cut in their longest silence, and each part is gone through from there towards its hole, with the other's ticks of that time beside it.
2. Ticks of equal content (price and size, or both sides of a quote) whose times differ by no more than the vendors' clocks do are one tick; each pairs with one alone. At one
   instant there are many trades of 100 at one price: three of the first and five of the other are three pairs, and two that are new.
3. Of what the other has without a pair, all within the hole is taken, and what lies beside its edges by no more than the clocks differ: by its own clock the hole may begin earlier.

What is taken stands in the hole in the order of the other's delivery; the first vendor's order stays as it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.intraday.session_hours import SessionHours

Nanoseconds: TypeAlias = NDArray[np.int64]
CONTENT: Final = {"trades": ("price", "size"), "quotes": ("bid", "ask")}
"""What two vendors say alike of one tick. Sizes of quotes (lots or shares), codes of exchanges and conditions are each vendor's own."""

_BURST: Final = 4
"""Ticks within so many times what clocks differ by are not told apart by time."""


@dataclass(frozen=True, kw_only=True)
class Hole:
    """A silence of a symbol: from its last tick before to its first one after, or the bounds of its hours; nanoseconds since 1970, UTC.

    Attributes
    ----------
    opens, closes
        Whether no tick is before it, or none after it.
    """

    start: int
    end: int
    opens: bool = False
    closes: bool = False


def holes_of(times: Nanoseconds, start: int, end: int, longest: int) -> list[Hole]:
    """The silences within the hours that are longer than allowed.

    Parameters
    ----------
    times
        Of the ticks of one symbol, in any order; those outside of the hours count for nothing.
    start, end
        Of the hours, half-open.
    longest
        The longest silence that is none.

    Examples
    --------
    >>> [(hole.start, hole.end) for hole in holes_of(np.array([10, 12, 40]), 0, 50, 10)]
    [(12, 40)]
    >>> holes_of(np.array([], dtype=np.int64), 0, 50, 10)
    [Hole(start=0, end=50, opens=True, closes=True)]
    """
    inside = np.sort(times[(times >= start) & (times < end)])
    edges = np.concatenate([[start], inside, [end]]).astype(np.int64)
    found = np.flatnonzero(np.diff(edges) > longest)
    last = len(edges) - 2
    return [Hole(start=int(edges[place]), end=int(edges[place + 1]), opens=bool(place == 0), closes=bool(place == last)) for place in found]


def cuts_between(holes: Sequence[Hole], times: Nanoseconds, tolerance: int) -> list[int]:
    """Where the ticks between each two holes are cut: in their longest silence, which no tick of another clock lies across; behind them, where they are one burst.

    Examples
    --------
    >>> cuts_between([Hole(start=0, end=20), Hole(start=30, end=60)], np.array([20, 21, 29, 30]), 1)
    [25]
    """
    found: list[int] = []
    for begin, end in ((one.end, other.start) for one, other in pairwise(holes)):
        between = np.sort(times[(times >= begin) & (times <= end)])
        if between[-1] - between[0] <= _BURST * tolerance:
            found.append(end + tolerance)
            continue
        place = int(np.argmax(np.diff(between)))
        found.append(int(between[place] + (between[place + 1] - between[place]) // 2))
    return found


def new_in_holes(
    holes: Sequence[Hole],
    cuts: Sequence[int],
    own: tuple[Nanoseconds, Sequence[object]],
    other: tuple[Nanoseconds, Sequence[object]],
    tolerance: int,
) -> NDArray[np.int64]:
    """For each tick of the other vendor the hole that it fills, by its place among `holes`; -1 where it fills none, or is one that the first vendor has.

    Parameters
    ----------
    holes
        Of one symbol, ascending.
    cuts
        `cuts_between` them, of all ticks of the first vendor.
    own, other
        Times and contents of the ticks of both vendors, in any order.
    tolerance
        How far the times of one tick may differ.

    Examples
    --------
    >>> own = np.array([10, 12, 12, 40, 41]), ["a", "b", "b", "c", "d"]
    >>> other = np.array([10, 12, 12, 12, 20, 40, 41]), ["a", "b", "b", "b", "x", "c", "d"]
    >>> new_in_holes([Hole(start=12, end=40)], [], own, other, 0).tolist()
    [-1, -1, -1, 0, 0, -1, -1]
    """
    filled = np.full(len(other[0]), -1, dtype=np.int64)
    for place, hole in enumerate(holes):
        middle = hole.start + (hole.end - hole.start) // 2
        first = cuts[place - 1] if place else None
        last = cuts[place] if place < len(cuts) else None
        for side, begin in ((1, first), (-1, last)):
            edge = hole.start if side == 1 else hole.end
            theirs = _between(other[0], begin, middle, side)
            is_burst = side == -1 and last is not None and last == holes[place + 1].start + tolerance
            near = theirs if is_burst else theirs[side * (other[0][theirs] - edge) >= -tolerance]
            if not len(near):
                continue
            ours = (
                np.empty(0, dtype=np.int64)
                if (hole.opens if side == 1 else hole.closes)
                else _between(own[0], begin, edge, side, closed=True)
            )
            free = _without_pair((own[0], own[1], ours), (other[0], other[1], theirs), set(near.tolist()), side, tolerance)
            filled[free] = np.where(other[0][free] >= holes[place + 1].start, place + 1, place) if is_burst else place
        if hole.opens or hole.closes:  # what lies outside of the hours is in no hole
            outside = (filled == place) & ((hole.opens & (other[0] < hole.start)) | (hole.closes & (other[0] >= hole.end)))
            filled[outside] = -1
    return filled


def _between(times: Nanoseconds, begin: int | None, end: int, side: int, *, closed: bool = False) -> NDArray[np.int64]:
    """The places of the times from where a half begins to where it ends, towards the hole; of what lies in the middle of the hole the left half has the instant itself."""
    far = times <= end if side == 1 else (times >= end if closed else times > end)
    near = True if begin is None else (times > begin if side == 1 else times <= begin)
    return np.flatnonzero(far & near)


def _without_pair(
    own: tuple[Nanoseconds, Sequence[object], NDArray[np.int64]],
    other: tuple[Nanoseconds, Sequence[object], NDArray[np.int64]],
    wanted: set[int],
    side: int,
    tolerance: int,
) -> list[int]:
    """Of the wanted ticks of the other vendor those that no tick of the first is; both are gone through towards the hole, content by content."""
    contents = {other[1][place] for place in wanted}
    ours, theirs = (_by_content(times, told, places, contents, side) for times, told, places in (own, other))
    free: list[int] = []
    for content, places in theirs.items():
        mine, i = ours.get(content, []), 0
        for at, place in places:
            while i < len(mine) and mine[i][0] < at - tolerance:
                i += 1
            if i < len(mine) and mine[i][0] <= at + tolerance:
                i += 1
            elif place in wanted:
                free.append(place)
    return free


def _by_content(
    times: Nanoseconds, told: Sequence[object], places: NDArray[np.int64], contents: set[object], side: int
) -> Mapping[object, list[tuple[int, int]]]:
    """Of each content how far towards the hole its ticks are, and which they are, in that order; those of an instant in the order of delivery."""
    found: dict[object, list[tuple[int, int]]] = {}
    for place in places.tolist():
        if (content := told[place]) in contents:
            found.setdefault(content, []).append((side * int(times[place]), place))
    return {content: sorted(rows) for content, rows in found.items()}


def stitched(
    taken: pl.DataFrame, other: pl.DataFrame, what: str, hours: SessionHours, *, longest: int, tolerance: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ticks of a session with those of another vendor in its holes.

    Parameters
    ----------
    taken, other
        Raw ticks of one session; of `other` the symbols that `taken` has, too, are looked at. Both have the columns of `VENDOR_SCHEMA`.
    what
        "trades" or "quotes".
    longest, tolerance
        The longest silence that is no hole, and how far two clocks may differ; nanoseconds.

    Returns
    -------
    ticks : DataFrame
        As `taken`, sorted by symbol and sequence, which counts anew where a symbol has got ticks.
    filled : DataFrame
        symbol, start, end of each hole that was filled, with its number of ticks.
    """
    parts: list[pl.DataFrame] = []
    told: list[tuple[str, int, int, int]] = []
    timed = pl.col("at").is_not_null()
    theirs = other.filter(timed).partition_by("symbol", as_dict=True)
    for (named,), rows in taken.partition_by("symbol", as_dict=True, maintain_order=True).items():
        added = theirs.get((named,)) if named is not None else None
        if added is not None:
            symbol = str(named)
            start, end = (int(one.timestamp()) * 10**9 for one in hours.of(symbol, rows["session"][0]))
            holes = holes_of(_times(rows.filter(timed)), start, end, longest)
            made, counts = _with_holes_filled(rows, added, what, holes, tolerance)
            told += [(symbol, hole.start, hole.end, count) for hole, count in zip(holes, counts, strict=True) if count]
            parts.append(made)
        else:
            parts.append(rows)
    filled = pl.DataFrame(told, schema={"symbol": pl.String, "start": pl.Int64, "end": pl.Int64, "ticks": pl.Int64}, orient="row")
    return pl.concat([taken.clear(), *parts]), filled


def _with_holes_filled(
    rows: pl.DataFrame, added: pl.DataFrame, what: str, holes: Sequence[Hole], tolerance: int
) -> tuple[pl.DataFrame, list[int]]:
    if not holes:
        return rows, []
    timed, added = _once(rows.filter(pl.col("at").is_not_null()), what), _once(added, what)
    which = _fillers(timed, added, what, holes, tolerance)
    counts = np.bincount(which[which >= 0], minlength=len(holes)).tolist()
    if not any(counts):
        return rows, counts
    times, order = _times(timed), timed["sequence"].to_numpy()
    before = [float(order[times == hole.end].min()) - 0.5 if not hole.closes else np.inf for hole in holes]
    new = added.with_columns(
        hole=pl.Series(which), place=pl.Series([before[one] if one >= 0 else np.nan for one in which], dtype=pl.Float64)
    )
    said = {place: f"no tick from {_clock(hole.start)} to {_clock(hole.end)}" for place, hole in enumerate(holes)}
    reason = pl.concat_str("vendor_reason", pl.col("hole").replace_strict(said, return_dtype=pl.String), separator=": ")
    new = new.filter(pl.col("hole") >= 0).with_columns(vendor_reason=reason)
    both = pl.concat([rows.with_columns(place=pl.col("sequence").cast(pl.Float64)), new.select(*rows.columns, "place")])
    # equal ticks of two parts are taken for one that was delivered twice: what is new beside an equal one is of its part
    part = pl.when(pl.col("row") < rows.height).then("part").otherwise(pl.col("part").first().over(*CONTENT[what], "at"))
    ordered = both.with_row_index("row").with_columns(part=part).sort("place", "row").drop("row", "place")
    return ordered.with_columns(sequence=pl.int_range(pl.len(), dtype=pl.Int64)), counts


def _fillers(timed: pl.DataFrame, added: pl.DataFrame, what: str, holes: Sequence[Hole], tolerance: int) -> NDArray[np.int64]:
    """As `new_in_holes`. Far from the edges of a hole there is nothing to pair with; so only ticks are compared whose content some tick near an edge has."""
    times = _times(added)
    found, near = np.full(len(times), -1, dtype=np.int64), np.zeros(len(times), dtype=bool)
    for place, hole in enumerate(holes):
        found[(times >= hole.start) & (times < hole.end)] = place
        for edge, counts in ((hole.start, not hole.opens), (hole.end, not hole.closes)):
            near |= counts & (np.abs(times - edge) <= tolerance)
    contents = added.filter(pl.Series(near)).select(CONTENT[what]).unique()
    if contents.height:
        mine = timed.join(contents, on=CONTENT[what], how="semi", nulls_equal=True, maintain_order="left")
        theirs = added.with_row_index("row").join(contents, on=CONTENT[what], how="semi", nulls_equal=True, maintain_order="left")
        found[theirs["row"].to_numpy()] = new_in_holes(
            holes, cuts_between(holes, _times(timed), tolerance), _told(mine, what), _told(theirs, what), tolerance
        )
    return found


def _once(rows: pl.DataFrame, what: str) -> pl.DataFrame:
    """Without what was delivered before: in another part, or by the trade's name. Two copies of one tick would pair with two ticks."""
    told = [*CONTENT[what], "at"]
    first = pl.struct(*told, pl.int_range(pl.len()).over([*told, "part"])).is_first_distinct()
    if "trade_id" in rows.columns:
        first &= pl.col("trade_id").is_null() | pl.struct("exchange", "trade_id", "at").is_first_distinct()
    return rows.filter(first)


def _times(rows: pl.DataFrame) -> Nanoseconds:
    return rows["at"].to_physical().to_numpy()


def _told(rows: pl.DataFrame, what: str) -> tuple[Nanoseconds, list[object]]:
    return _times(rows), list(rows.select(CONTENT[what]).iter_rows())


def _clock(at: int) -> str:
    """A time of day in UTC, as short as it can be told.

    Examples
    --------
    >>> _clock(1_709_562_660_000_000_000), _clock(1_709_562_660_250_000_000)
    ('14:31:00Z', '14:31:00.25Z')
    """
    second, rest = divmod(at, 10**9)
    clock = f"{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
    return clock + (f".{rest:09}".rstrip("0") if rest else "") + "Z"
