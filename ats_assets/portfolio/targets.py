"""From the signals of several strategies to one target weight for each symbol.

1. Netting: a strategy's weights times its capital, added up over the strategies. What one wants long and another short cancels out here, and costs nothing.
2. Holding: the mean of what was wanted in the last sessions, as many as a position is to be held (overlapping portfolios: Jegadeesh and Titman, Journal of Finance 48,
   1993). A score that judges five sessions is not traded away after one: of each session's book a fifth is replaced, so turnover and costs are a fraction.
3. The risk rules, one after the other, each on the weights that the one before has left, each with a reason for what it changes. Where a rule looks at past books, these are what the rules before
   it have left of past sessions, made in the same way.

What a strategy says of its own weights (an exit, a fallback) comes before the reasons of the rules.

The symbols are those that some strategy has a signal for, with a weight or without. A strategy without signals at a session has no opinion: what it holds stays (`held_books`), and where a rule
cuts it, it is made smaller. Where none has an opinion, nor a book that is known, there are no rows, and nothing is traded. With one strategy, the whole capital, a holding period of one session and
rules that change nothing, the target weight is the strategy's own, to the bit.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ats_assets.corporate_actions.identity import Identities
from ats_assets.kernels.weight_limits import TOLERANCE
from ats_assets.portfolio.allowed_changes import COLUMN
from ats_assets.portfolio.held_books import HeldBooks
from ats_assets.portfolio.held_parts import SINCE, held_sessions, with_held
from ats_assets.portfolio.netting import KEYS, OwnHoldings, netted, over_holding_period
from ats_assets.portfolio.schema import HELD_TARGETS_SCHEMA, TARGETS_SCHEMA
from ats_assets.risk import BOOKS, NamedRule, past_books, ruled

REASON = "reason"


def targets_of(
    signals: Mapping[str, pl.DataFrame],
    capital: Mapping[str, float],
    rules: Sequence[NamedRule] = (),
    *,
    holding_sessions: int | Mapping[str, Mapping[date, int]] = 1,
    identities: Identities | None = None,
    kept: int = 0,
    longest: int = 1,
    frames: Mapping[str, pl.DataFrame],
    days: Sequence[date],
    sessions: Sequence[date],
) -> pl.DataFrame:
    """The targets of sessions.

    Parameters
    ----------
    signals, capital
        See `netted`; of the sessions, and of the `holding_sessions - 1` before each, and where rules look at past books of as many more. With a column `reason`, where a strategy has some.
    holding_sessions, identities
        See `over_holding_period`, and `OwnHoldings` where each strategy has its own.
    rules
        In the order in which they are applied.
    kept
        Sessions for which it is known what strategies without signals hold, of `frames` (`needs_of_held_books`); 0: they add nothing.
    longest
        The longest holding period that there may be, where it is.
    frames, days, sessions
        See `ats_assets.risk.rule.Rule.apply`.

    Returns
    -------
    DataFrame
        The contract `Targets`, with `kept` `HeldTargets`.

    Raises
    ------
    ContractError
        If a rule does not keep to its contract.
    """
    chain = with_earlier(days, sessions, earlier_books(rules)[0])
    books = HeldBooks(frames=frames, days=days, kept=kept) if kept else None
    if books:
        earlier = with_earlier(days, chain, longest - 1)
        filled = signals if longest == 1 else books.filled(signals, books.last(signals, earlier))
        held = held_sessions(signals, capital, holding=holding_sessions, longest=longest, books=books, sessions=chain)
        made = with_held(_wanted(filled, capital, holding_sessions, identities, days, sessions=chain), held)
    else:
        made = _wanted(signals, capital, holding_sessions, identities, days, sessions=chain)
    wanted = _of(made, sessions)
    told = [_strategies_reasons(wanted, name, frame) for name, frame in signals.items() if REASON in frame.columns]
    weights, rules_told = _under_rules(made.select("symbol", "session", weight="proposed_weight"), rules, frames, days, sessions=sessions)
    since = wanted[SINCE] if books else pl.Series([[]], dtype=TARGETS_SCHEMA["reasons"]).new_from_index(0, wanted.height)
    reasons = pl.concat_list(_together(told, wanted.height), since, _together(rules_told, wanted.height))
    wanted = wanted.with_columns(target_weight=weights, reasons=reasons)
    if not books:
        return wanted.select(pl.col(name).cast(dtype) for name, dtype in TARGETS_SCHEMA.items())
    proposed, target = pl.col("proposed_weight"), pl.col("target_weight")
    made_smaller = target * proposed.sign() < proposed.abs() - TOLERANCE  # a cap on one weight makes others larger
    cut = (pl.col(COLUMN) == "none") & made_smaller
    changes = pl.when(cut).then(pl.lit("smaller")).otherwise(COLUMN).alias(COLUMN)
    return wanted.with_columns(changes).select(pl.col(name).cast(dtype) for name, dtype in HELD_TARGETS_SCHEMA.items())


def _wanted(
    signals: Mapping[str, pl.DataFrame],
    capital: Mapping[str, float],
    holding: int | Mapping[str, Mapping[date, int]],
    identities: Identities | None,
    days: Sequence[date],
    *,
    sessions: Sequence[date],
) -> pl.DataFrame:
    """What strategies with signals want, over the holding period; sorted by session and symbol."""
    if isinstance(holding, int):
        return over_holding_period(netted(signals, capital), days, sessions, holding_sessions=holding, identities=identities)
    return OwnHoldings(signals=signals, capital=capital, holding=holding, days=days, identities=identities).wanted(sessions)


def _under_rules(
    books: pl.DataFrame, rules: Sequence[NamedRule], frames: Mapping[str, pl.DataFrame], days: Sequence[date], *, sessions: Sequence[date]
) -> tuple[pl.Series, list[pl.Series]]:
    """The weights of the sessions that the rules leave, and what each of them says."""
    told, earlier = [], earlier_books(rules)
    for i, one in enumerate(rules):
        chain = with_earlier(days, sessions, earlier[i + 1])
        given = _of(books, chain)
        seen = {**frames, BOOKS: books} if past_books(one.rule) else frames
        allowed = ruled(one.name, given, one.rule.apply(given, seen, days, chain))
        books = allowed.drop(REASON)
        told.append(_of(allowed, sessions)[REASON])
    return books["weight"], told


def _together(told: Sequence[pl.Series], n: int) -> pl.Series:
    """What is said of each of n weights, as lists."""
    if not told:
        return pl.Series([[]], dtype=TARGETS_SCHEMA["reasons"]).new_from_index(0, n)
    return pl.select(pl.concat_list([one.alias(f"{i}") for i, one in enumerate(told)]).list.drop_nulls()).to_series()


def earlier_books(rules: Sequence[NamedRule]) -> list[int]:
    """How many sessions before those that are wanted have books: before the first rule, and after each of them, since later rules look back at them.

    Examples
    --------
    >>> from ats_assets.plugins import RISK_RULES
    >>> stops = NamedRule(name="stops", rule=RISK_RULES.made("stops", {"max_sessions": 60}))
    >>> earlier_books([NamedRule(name="limits", rule=RISK_RULES.made("limits", {})), stops])
    [81, 81, 0]
    """
    found = [0]
    for one in reversed(rules):
        found.append(found[-1] + past_books(one.rule))
    return found[::-1]


def with_earlier(days: Sequence[date], sessions: Sequence[date], earlier: int) -> Sequence[date]:
    """The sessions, and all of the so many before each that there are among `days`.

    Examples
    --------
    >>> days = [date(2024, 1, i) for i in (2, 3, 4, 5, 8)]
    >>> [day.day for day in with_earlier(days, days[3:4], 2)]
    [3, 4, 5]
    """
    if not earlier:
        return sessions
    place = {day: i for i, day in enumerate(days)}
    return [days[i] for i in sorted({j for day in sessions for j in range(max(0, place[day] - earlier), place[day] + 1)})]


def _of(rows: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    return rows.filter(pl.col("session").is_in(list(sessions)))


def _strategies_reasons(made: pl.DataFrame, name: str, signals: pl.DataFrame) -> pl.Series:
    """What one strategy says of its weights, with its name in front."""
    found = made.select(KEYS).join(signals.select(*KEYS, REASON), on=KEYS, how="left", validate="1:1", maintain_order="left")
    return found.select(pl.format("{}: {}", pl.lit(name), REASON).alias(REASON))[REASON]
