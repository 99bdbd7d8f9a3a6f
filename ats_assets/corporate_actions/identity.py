"""Which instrument a ticker stood for at a session: what a change of name continues, and what a reused ticker does not.

`symbol` is the ticker as of the row's session. An *instrument* is what is held and measured across sessions and changes of name. Its id is the ticker under
which it was first seen, after the source's name where one is given (`alpaca:FB`). A later change of name changes no id:

1. At the open of an ex-session all changes of that session happen at once, so tickers may be swapped: who bears `symbol` there, bears `new_symbol` from then on.
2. A ticker that was given up and that nobody has taken over by a change of name stands for a newcomer from that ex-session on: `alpaca:FB@2022-06-09`, since `alpaca:FB`
   is the id of who gave it up.
3. Who bears a ticker that another takes over, and is given no new one, ends there.

A ticker that is given up without a change of name (a delisting, a merger) and listed again stays one instrument: nothing that a source delivers tells a newcomer from a
halt. Spin-offs are no changes of name.

The id of a row follows from the changes up to its session alone. With those inside a window alone, two of its rows have one id where they are of one instrument,
but the id itself may be another: the ticker at the window's start. So windows group by it, and nothing that is stored for good names it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from operator import itemgetter
from typing import Final

import polars as pl

INSTRUMENT: Final = "instrument"
"""The column that functions over windows group by, where a frame has it; else by `symbol`."""
NAME_CHANGE: Final = "name_change"
NAME_CHANGES_SCHEMA: Final = pl.Schema({"session": pl.Date, "symbol": pl.String, "new_symbol": pl.String})
REPEAT_DAYS: Final = 28
"""A change of name that is delivered again within so many days is the same one."""

NAME_CHANGE_REASONS: Final[dict[str, str]] = {
    "names_conflict": "a symbol is said to get several names in one session, or several symbols the same one, so that it can't be told which does",
    "name_repeated": f"the same change was delivered with an ex-session up to {REPEAT_DAYS} days before",
    "name_unchanged": "a change of name to the same name",
    "new_symbol_missing": "a change of name that does not say to what",
}
"""Why a change of name is not counted: a stable name, and what it says."""


def judged_name_changes(actions: pl.DataFrame) -> pl.DataFrame:
    """The changes of name among actions, and which of them count.

    Parameters
    ----------
    actions
        session, symbol, kind, new_symbol: of corporate actions, in any order; without the last two there are no changes of name. A change is judged by those of its own
        session and of the `REPEAT_DAYS` days before it.

    Returns
    -------
    DataFrame
        session, symbol, new_symbol, and `reason`: null for a change that counts, else one of `NAME_CHANGE_REASONS`. Sorted by these, each once.

    Examples
    --------
    >>> day = date(2022, 6, 9)
    >>> rows = [(day, "FB", "name_change", "META"), (day, "AAA", "name_change", "AAA"), (day, "BBB", "split", None)]
    >>> actions = pl.DataFrame(rows, schema=["session", "symbol", "kind", "new_symbol"], orient="row")
    >>> judged_name_changes(actions).select("symbol", "new_symbol", "reason").rows()
    [('AAA', 'AAA', 'name_unchanged'), ('FB', 'META', None)]
    """
    if not {"kind", "new_symbol"} <= set(actions.columns) or not (actions["kind"] == NAME_CHANGE).any():
        return pl.DataFrame(schema={**NAME_CHANGES_SCHEMA, "reason": pl.String})
    changes = actions.filter(pl.col("kind") == NAME_CHANGE).select(NAME_CHANGES_SCHEMA.names()).unique().sort(NAME_CHANGES_SCHEMA.names())
    symbol, new = changes["symbol"], changes["new_symbol"]
    missing, unchanged = new.fill_null("").str.strip_chars() == "", (new == symbol).fill_null(value=False)
    broken = {"new_symbol_missing": missing, "name_unchanged": unchanged, "names_conflict": names_conflict(changes, ~missing & ~unchanged)}
    judged = changes.with_columns(reason=pl.coalesce(*(pl.when(where).then(pl.lit(reason)) for reason, where in broken.items())))
    sound = judged.filter(pl.col("reason").is_null())
    repeated = _repeated(list(sound.select(NAME_CHANGES_SCHEMA.names()).iter_rows()))
    again = pl.DataFrame(repeated, schema=NAME_CHANGES_SCHEMA, orient="row").with_columns(again=pl.lit("name_repeated"))
    judged = judged.join(again, on=NAME_CHANGES_SCHEMA.names(), how="left", nulls_equal=True, maintain_order="left")
    return judged.select(*NAME_CHANGES_SCHEMA.names(), pl.coalesce("reason", "again").alias("reason"))


def names_conflict(actions: pl.DataFrame, which: pl.Series) -> pl.Series:
    """Whether a row is one of those (`which`) that give one symbol of a session several names, or several symbols of it one."""
    names = actions.select("session", "symbol", "new_symbol").with_columns(which=which.fill_null(value=False))
    told = pl.when("which")
    several = [
        told.then(one).drop_nulls().n_unique().over("session", other) > 1
        for one, other in (("new_symbol", "symbol"), ("symbol", "new_symbol"))
    ]
    return names.select(pl.col("which") & pl.any_horizontal(several)).to_series()


def _repeated(changes: Sequence[tuple[date, str, str]]) -> list[tuple[date, str, str]]:
    """Those that were there shortly before, with nothing in between that gave the old ticker a new bearer or took the new one away."""
    by_day: dict[date, set[tuple[str, str]]] = {}
    for session, symbol, new in changes:
        by_day.setdefault(session, set()).add((symbol, new))
    found = []
    for session, symbol, new in changes:
        for day in sorted((day for day in by_day if session - timedelta(days=REPEAT_DAYS) <= day < session), reverse=True):
            if (symbol, new) in by_day[day]:  # before what else happened there: of a swap the one half takes the other's ticker
                found.append((session, symbol, new))
                break
            if any(other_new == symbol or other == new for other, other_new in by_day[day]):
                break
    return found


def name_changes(actions: pl.DataFrame) -> pl.DataFrame:
    """The changes of name that count, with the columns of `NAME_CHANGES_SCHEMA`; see `judged_name_changes`."""
    return judged_name_changes(actions).filter(pl.col("reason").is_null()).drop("reason")


class Identities:
    """The instruments behind tickers, as far as changes of name are known.

    Parameters
    ----------
    changes
        session, symbol, new_symbol: changes of name that count.
    source
        The name of the source, which begins each id; none for ids that are to group the rows of a window only.

    Examples
    --------
    >>> changes = pl.DataFrame({"session": [date(2022, 6, 9)], "symbol": ["FB"], "new_symbol": ["META"]})
    >>> known = Identities(changes, "alpaca")
    >>> known.of("FB", date(2022, 6, 8)), known.of("META", date(2022, 6, 9)), known.of("META", date(2022, 6, 8))
    ('alpaca:FB', 'alpaca:FB', 'alpaca:META')
    """

    def __init__(self, changes: pl.DataFrame, source: str = "") -> None:
        self._begin = f"{source}:" if source else ""
        self._changes: dict[date, dict[str, str]] = {}
        for session, symbol, new in changes.sort(NAME_CHANGES_SCHEMA.names()).select(NAME_CHANGES_SCHEMA.names()).iter_rows():
            self._changes.setdefault(session, {})[symbol] = new
        self._since: dict[str, list[tuple[date, str]]] = {}
        self._names: dict[str, list[tuple[date, str]]] = {}
        self._ended: dict[date, list[str]] = {}
        for session, renamed in self._changes.items():
            self._take(session, renamed)

    def _take(self, session: date, renamed: dict[str, str]) -> None:
        bearers = {new: self._newest(symbol) for symbol, new in renamed.items()}
        newcomers = {symbol: f"{self._begin}{symbol}@{session}" for symbol in renamed if symbol not in bearers}
        self._ended[session] = sorted(self._newest(symbol) for symbol in bearers if symbol not in renamed)
        for symbol, new in renamed.items():
            self._names.setdefault(bearers[new], [(date.min, symbol)]).append((session, new))
        for symbol, instrument in newcomers.items():
            self._names[instrument] = [(session, symbol)]
        for symbol, instrument in (bearers | newcomers).items():
            self._since.setdefault(symbol, []).append((session, instrument))

    def _newest(self, symbol: str) -> str:
        return self._since[symbol][-1][1] if symbol in self._since else self._begin + symbol

    def of(self, symbol: str, session: date) -> str:
        """The instrument that bears a ticker at a session, from its open on."""
        return self._at(symbol, bisect_right(self._since.get(symbol, []), session, key=itemgetter(0)))

    def before(self, symbol: str, session: date) -> str:
        """The instrument that bore a ticker until the open of a session."""
        return self._at(symbol, bisect_left(self._since.get(symbol, []), session, key=itemgetter(0)))

    def _at(self, symbol: str, after: int) -> str:
        return self._since[symbol][after - 1][1] if after else self._begin + symbol

    def symbol(self, instrument: str, session: date) -> str:
        """What an instrument is called at a session; the last name of one that has ended, the first of one that has not begun."""
        names = self._names.get(instrument)
        if names is None:
            return instrument.removeprefix(self._begin)
        return names[max(bisect_right(names, session, key=itemgetter(0)), 1) - 1][1]

    def ended(self, session: date) -> list[str]:
        """The instruments whose ticker another takes over at the open of a session, while they are given none."""
        return list(self._ended.get(session, []))

    def renamed(self, session: date) -> dict[str, str]:
        """The changes of a session: who bore the one ticker until its open, bears the other from then on."""
        return dict(self._changes.get(session, {}))

    def tickers(self) -> list[str]:
        """Those that some change of name takes or gives; each other one stands for one instrument at all sessions."""
        return list(self._since)

    def ex_sessions(self, named: Collection[str] | None = None) -> list[date]:
        """The ex-sessions, ascending; of changes that take or give one of the named tickers, where names are given."""
        return [day for day, renamed in self._changes.items() if named is None or not {*renamed, *renamed.values()}.isdisjoint(named)]

    def named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with a column `instrument`: who bore `symbol` at `session`."""
        return rows.with_columns(self._column(rows, before=False))

    def of_actions(self, actions: pl.DataFrame) -> pl.DataFrame:
        """Corporate actions with a column `instrument`, that of their holders.

        An action names the ticker of the close before its ex-session. One that names the ticker which its instrument has from the ex-session on is understood, too, where
        that was not given up on the same day. What is delivered under both tickers counts once.
        """
        if not self._since:
            return self.named(actions)
        renamed = [(day, new) for day, changes in self._changes.items() for new in set(changes.values()) - changes.keys()]
        taken = pl.DataFrame(renamed, schema={"session": pl.Date, "symbol": pl.String}, orient="row").with_columns(taken=True)
        known = actions.join(taken, on=["session", "symbol"], how="left", maintain_order="left").with_columns(
            after=self._column(actions, before=False), before=self._column(actions, before=True)
        )
        known = known.with_columns(pl.when("taken").then("after").otherwise("before").alias(INSTRUMENT)).drop("taken", "after", "before")
        same = [name for name in known.columns if name in ("session", "kind", "ratio", "cash", "new_symbol", "new_ratio", INSTRUMENT)]
        return known.filter(pl.col("symbol") == pl.col("symbol").min().over(same))

    def actions_at_open(self, actions: pl.DataFrame, session: date) -> pl.DataFrame:
        """The actions of one session under the tickers that their holders have from its open on; of the changes of name those that count, from the old ticker."""
        at = actions.filter(pl.col("session") == session)
        renamed = self.renamed(session)
        counted = at.filter((pl.col("kind") == NAME_CHANGE) & pl.col("symbol").is_in(list(renamed))).unique(
            "symbol", keep="first", maintain_order=True
        )
        others = self.of_actions(at.filter(pl.col("kind") != NAME_CHANGE))
        named = [self.symbol(instrument, session) for instrument in others[INSTRUMENT]]
        moved = others.with_columns(symbol=pl.Series(named, dtype=pl.String)).drop(INSTRUMENT)
        return (
            pl.concat([counted.with_columns(new_symbol=pl.col("symbol").replace_strict(renamed, return_dtype=pl.String)), moved])
            if renamed
            else moved
        )

    def _column(self, rows: pl.DataFrame, *, before: bool) -> pl.Series:
        changed = pl.Series(list(self._since), dtype=pl.String)
        some = rows.select("symbol", "session").with_row_index("row").filter(pl.col("symbol").is_in(changed.implode()))
        find = self.before if before else self.of
        names = rows["symbol"].alias(INSTRUMENT) if not self._begin else (self._begin + rows["symbol"]).alias(INSTRUMENT)
        if some.is_empty():
            return names
        keys = some.select("symbol", "session").unique()
        found = keys.with_columns(found=pl.Series([find(*key) for key in keys.iter_rows()], dtype=pl.String))
        placed = some.join(found, on=["symbol", "session"], how="left", maintain_order="left")
        return names.scatter(placed["row"], placed["found"])


def identities_of(actions: pl.DataFrame, source: str = "") -> Identities:
    """The instruments by the changes of name among corporate actions.

    Examples
    --------
    >>> actions = pl.DataFrame({"session": [date(2022, 6, 9)], "symbol": ["FB"], "kind": ["name_change"], "new_symbol": ["META"]})
    >>> identities_of(actions, "alpaca").of("META", date(2022, 6, 9))
    'alpaca:FB'
    """
    return Identities(name_changes(actions), source)


def same_names(sessions: Sequence[date], changes: Iterable[date]) -> list[list[date]]:
    """Ascending sessions in runs that no ex-session of `changes` divides: inside each, a ticker stands for one instrument.

    Examples
    --------
    >>> days = [date(2024, 3, day) for day in (4, 5, 6, 7)]
    >>> [[day.day for day in run] for run in same_names(days, [date(2024, 3, 6)])]
    [[4, 5], [6, 7]]
    """
    starts = sorted(changes)
    runs: list[list[date]] = []
    for day in sessions:
        if runs and bisect_right(starts, day) == bisect_right(starts, runs[-1][-1]):
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
