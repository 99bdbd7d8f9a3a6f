"""Comparison of what was made with what is made in another future: up to the session that was changed after, not a bit may differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from ats_assets.errors import ContractError
from ats_assets.leakcheck.perturbation import KINDS, perturbed
from ats_assets.leakcheck.subject import Subject

ROWS = "(rows)"
"""The name of the culprit where rows themselves come and go."""
Time = date | datetime
"""A session, at whose close something is known, or an instant."""


@dataclass(frozen=True, kw_only=True)
class Leak:
    """A column that moved although nothing had changed that was known at its session.

    Attributes
    ----------
    subject, column
        The culprit; the column is "(rows)" where rows appear or vanish.
    source
        The input whose future it saw.
    changed_after
        The session after which that input was changed.
    kind
        How; one of `KINDS`.
    session, key
        The first row that moved: the session, or the instant, at which it was known.
    rows
        How many moved.
    """

    subject: str
    column: str
    source: str
    changed_after: Time
    kind: str
    session: Time
    key: str
    rows: int

    def __str__(self) -> str:
        return (
            f"{self.subject}.{self.column} sees the future of {self.source}: {self.rows} rows up to {self.changed_after} moved when only later "
            f"{self.source} were {self.kind}, first {self.key} at {self.session}"
        )


@dataclass(frozen=True, kw_only=True)
class Unstable:
    """A subject that does not make the same of the same rows, so that nothing can be said of its leaks."""

    subject: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.subject} makes another {', '.join(self.columns)} of the same rows: give it a seed, and no clock"


def find_leaks(subject: Subject, sessions: Sequence[Time], *, draws: int = 4, seed: int = 0) -> list[Leak] | Unstable:
    """Change each input after some sessions, in every way of `KINDS`, and name the columns that move before.

    Parameters
    ----------
    subject
        What is judged.
    sessions
        The sessions that the inputs span, in order; in row form instants, such as those at which rows became known.
    draws
        After how many sessions the future is changed: the last but one and random ones. A look-ahead of one session shows at each of them; one
        that only happens on some sessions (at a month's end) needs more.
    seed
        Of the choice and of the changes.

    Returns
    -------
    list of Leak
        One for each column and input, the earliest row that moved of all draws; empty where there is none.

    Raises
    ------
    ContractError
        If there are fewer than three sessions, the result lacks `session` or a key, or the subject fails whatever the future of an input is.

    Examples
    --------
    >>> from datetime import date, timedelta
    >>> import polars as pl
    >>> from ats_assets.leakcheck import Input, Subject, find_leaks
    >>> days = [date(2024, 1, 1) + timedelta(n) for n in range(30)]
    >>> bars = pl.DataFrame({"symbol": ["ABC"] * 30, "session": days, "close": [float(n) for n in range(1, 31)]})
    >>> def centred(rows):
    ...     mean = pl.col("close").rolling_mean(3, center=True).over("symbol")
    ...     return rows["bars"].select("symbol", "session", mean=mean)
    ...
    >>> subject = Subject(name="centred", kind="feature", inputs={"bars": Input(rows=bars)}, make=centred)
    >>> [leak.column for leak in find_leaks(subject, days)]
    ['mean']
    """
    if len(sessions) < 3:
        raise ContractError(f"{len(sessions)} sessions are too few to look for leaks in: give three or more")
    whole = subject.result()
    lacking = [name for name in (subject.known, *subject.keys) if name not in whole.columns]
    if lacking:
        raise ContractError(f"what {subject.name} makes has no column {', '.join(lacking)}; it has {', '.join(whole.columns)}")
    moved = _moved(subject, whole, subject.result(), sessions[-1])
    if moved:
        return Unstable(subject=subject.name, columns=tuple(moved))
    random = np.random.default_rng(seed)
    first = max(1, len(sessions) // 3)
    inner = random.permutation(np.arange(first, len(sessions) - 2))[: max(0, draws - 1)].tolist()
    found: list[Leak] = []
    for draw, place in enumerate([len(sessions) - 2, *inner]):
        for source, given in subject.inputs.items():
            known_until = sessions[max(0, place - given.lag)]
            refused: dict[str, Exception] = {}
            for kind in KINDS:
                try:
                    found += _leaks(
                        subject, whole, source=source, last=sessions[place], known_until=known_until, kind=kind, seed=seed + draw
                    )
                except Exception as error:  # noqa: BLE001 - code of others, handed rows that fit together no longer, may refuse them in any way
                    refused[kind] = error
            if len(refused) == len(KINDS):
                raise ContractError(
                    f"{subject.name} refuses every other future of {source}, so nothing can be said of it: {refused['changed']}"
                )
    return _worst(found)


def _leaks(subject: Subject, whole: pl.DataFrame, *, source: str, last: Time, known_until: Time, kind: str, seed: int) -> Iterable[Leak]:
    """What moves up to session `last` when rows of one input change that were known after `known_until`."""
    given = subject.inputs[source]
    rows = {name: other.rows for name, other in subject.inputs.items()}
    rows[source] = perturbed(given.rows, given.known, known_until, kind, seed=seed, keep=given.keys)
    for column, (session, key, count) in _moved(subject, whole, subject.result(rows), last).items():
        yield Leak(subject=subject.name, column=column, source=source, changed_after=last, kind=kind, session=session, key=key, rows=count)


def _moved(subject: Subject, whole: pl.DataFrame, other: pl.DataFrame, last: Time) -> Mapping[str, tuple[Time, str, int]]:
    """The columns that differ up to a session: first row, its key, and how many."""
    keys = [subject.known, *subject.keys]
    before, after = (frame.filter(pl.col(subject.known) <= last).sort(keys, maintain_order=True) for frame in (whole, other))
    found: dict[str, tuple[Time, str, int]] = {}
    if not before.select(keys).equals(after.select(keys)):
        odd = pl.concat(
            [before.join(after, on=keys, how="anti", nulls_equal=True), after.join(before, on=keys, how="anti", nulls_equal=True)]
        )
        odd = odd.sort(keys) if odd.height else before.head(1)
        found[ROWS] = _first(odd, keys)
        both = before.select(keys).join(after.select(keys), on=keys, how="inner", nulls_equal=True).unique().sort(keys)
        before = both.join(before, on=keys, how="left", nulls_equal=True, maintain_order="left").unique(
            keys, keep="first", maintain_order=True
        )
        after = both.join(after, on=keys, how="left", nulls_equal=True, maintain_order="left").unique(
            keys, keep="first", maintain_order=True
        )
    for name in before.columns:
        if name in keys:
            continue
        if name not in after.columns:
            found[name] = _first(before, keys)
            continue
        differs = before[name].ne_missing(after[name])  # in Polars NaN equals NaN
        if differs.any():
            found[name] = _first(before.filter(differs), keys)
    return found


def _first(rows: pl.DataFrame, keys: Sequence[str]) -> tuple[Time, str, int]:
    row = rows.select(keys).row(0)
    return row[0], " ".join(str(part) for part in row[1:]), rows.height


def _worst(found: Iterable[Leak]) -> list[Leak]:
    """For each column and input the leak that reaches farthest back."""
    worst: dict[tuple[str, str], Leak] = {}
    for leak in found:
        known = worst.get((leak.column, leak.source))
        if known is None or (leak.session, -leak.rows) < (known.session, -known.rows):
            worst[leak.column, leak.source] = leak
    return list(worst.values())
