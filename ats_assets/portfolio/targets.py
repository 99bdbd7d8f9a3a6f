"""From the signals of several strategies to one target weight for each symbol.

1. Netting: a strategy's weights times its capital, added up over the strategies. What one wants long and another short cancels out here, and costs nothing.
2. Holding: the mean of what was wanted in the last sessions, as many as a position is to be held (overlapping portfolios: Jegadeesh and Titman, Journal of Finance 48,
   1993). A score that judges five sessions is not traded away after one: of each session's book a fifth is replaced, so turnover and costs are a fraction.
3. The risk rules, one after the other, each on the weights that the one before has left, each with a reason for what it changes. Where a rule looks at past books, these are what the rules before
   it have left of past sessions, made in the same way.

What a strategy says of its own weights (an exit, a fallback) comes before the reasons of the rules.

The symbols are those that some strategy has a signal for, with a weight or without. A strategy without signals at a session has no opinion: it adds nothing there, so
that its capital is in cash; where none has an opinion there are no rows, and nothing is traded. With one strategy, the whole capital, a holding period of one session
and rules that change nothing, the target weight is the strategy's own, to the bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.errors import ContractError
from ats_assets.portfolio.schema import TARGETS_SCHEMA
from ats_assets.risk import BOOKS, NamedRule, past_books, ruled

KEYS = ("session", "symbol")
SYMBOL = "symbol"
REASON = "reason"


def netted(signals: Mapping[str, pl.DataFrame], capital: Mapping[str, float]) -> pl.DataFrame:
    """The strategies' weights times their capital, added up in the order of the strategies.

    Parameters
    ----------
    signals
        By the name of each strategy: symbol, session, target_weight, one row a (session, symbol), in any order.
    capital
        Its share of equity.

    Returns
    -------
    DataFrame
        symbol, session, proposed_weight, strategies; sorted by session and symbol.

    Raises
    ------
    ContractError
        If a weight is not finite.

    Examples
    --------
    >>> from datetime import date
    >>> one = pl.DataFrame({"symbol": ["A", "B"], "session": [date(2024, 1, 2)] * 2, "target_weight": [0.5, 0.5]})
    >>> netted({"up": one, "down": one.head(1)}, {"up": 0.5, "down": 0.5}).select("symbol", "proposed_weight", "strategies").rows()
    [('A', 0.5, ['up', 'down']), ('B', 0.25, ['up'])]
    """
    rows = pl.concat([frame.select(KEYS) for frame in signals.values()]).unique().sort(KEYS)
    for name, frame in signals.items():
        wrong = frame.filter(~pl.col("target_weight").is_finite().fill_null(value=False))
        if wrong.height:
            raise ContractError(f"signals of {name}: {wrong['symbol'][0]} has no finite target_weight at {wrong['session'][0]}")
        weights = frame.select(*KEYS, (pl.col("target_weight") * capital[name]).alias(name))
        rows = rows.join(weights, on=KEYS, how="left", validate="1:1", maintain_order="left")
    having = [pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in signals]
    total = pl.sum_horizontal(*signals)
    return rows.select(
        "symbol",
        "session",
        proposed_weight=pl.when(total == 0.0).then(0.0).otherwise(total),  # no negative zeros
        strategies=pl.concat_list(having).list.drop_nulls(),
    )


def over_holding_period(
    wanted: pl.DataFrame, days: Sequence[date], sessions: Sequence[date], *, holding_sessions: int, identities: Identities | None = None
) -> pl.DataFrame:
    """The mean of the weights that were wanted in the last `holding_sessions` sessions, for each symbol that is there at the session itself.

    Sessions without any row do not count; a symbol that is absent at one that has rows was wanted at 0 there. Weights follow an instrument through a change of its name.

    Parameters
    ----------
    wanted
        What `netted` returns, of the sessions and of those before them.
    days
        Every session of the exchange from `holding_sessions - 1` before the first of the sessions to the last of them; fewer at the start of history.
    sessions
        Those of which rows are returned.

    Returns
    -------
    DataFrame
        The rows and columns of `wanted` at `sessions`, in the same order, with the mean as proposed_weight.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2024, 1, 2), date(2024, 1, 3)]
    >>> wanted = pl.DataFrame({"symbol": ["A", "B"], "session": days, "proposed_weight": [0.5, 0.3]})
    >>> over_holding_period(wanted, days, days, holding_sessions=2).rows()
    [('A', datetime.date(2024, 1, 2), 0.5), ('B', datetime.date(2024, 1, 3), 0.15)]
    """
    rows = wanted.filter(pl.col("session").is_in(list(sessions)))
    if holding_sessions == 1:
        return rows
    who = SYMBOL if identities is None else INSTRUMENT
    named, rows = (wanted, rows) if identities is None else (identities.named(wanted), identities.named(rows))
    total, counted = np.zeros(rows.height), np.zeros(rows.height)
    for back in range(holding_sessions):  # in this order, whatever else is asked for
        earlier = {day: days[i - back] for i, day in enumerate(days) if i >= back}
        of_day = rows.select(pl.col("session").replace_strict(earlier, default=None, return_dtype=pl.Date), who)
        there = of_day["session"].is_in(named["session"].unique().implode()).fill_null(value=False)
        found = of_day.join(
            named.select("session", who, "proposed_weight"), on=["session", who], how="left", validate="m:1", maintain_order="left"
        )
        total += found["proposed_weight"].fill_null(0.0).to_numpy()
        counted += there.to_numpy()
    mean = total / counted  # by NumPy: Polars divides by a column of one value as it multiplies by its reciprocal, which rounds otherwise
    return rows.with_columns(proposed_weight=pl.Series(np.where(mean == 0.0, 0.0, mean), dtype=pl.Float64)).select(wanted.columns)


@dataclass(frozen=True, kw_only=True)
class OwnHoldings:
    """Strategies of which each has a holding period of its own, that may change from session to session.

    Attributes
    ----------
    signals, capital
        See `netted`.
    holding
        Strategy -> session -> its holding period there.
    days, identities
        See `over_holding_period`.
    """

    signals: Mapping[str, pl.DataFrame]
    capital: Mapping[str, float]
    holding: Mapping[str, Mapping[date, int]]
    days: Sequence[date]
    identities: Identities | None = None

    def part(self, name: str, sessions: Sequence[date]) -> pl.DataFrame:
        """What one strategy has of `wanted`, in rows of the same keys."""
        own = netted(self.signals, {other: share if other == name else 0.0 for other, share in self.capital.items()})
        runs: dict[int, list[date]] = {}
        for day in sessions:
            runs.setdefault(self.holding[name][day], []).append(day)
        parts = [
            over_holding_period(own, self.days, run, holding_sessions=held, identities=self.identities)
            for held, run in sorted(runs.items())
        ]
        return pl.concat([own.clear(), *parts]).sort(KEYS)

    def wanted(self, sessions: Sequence[date]) -> pl.DataFrame:
        """What `netted` returns at sessions, each strategy's weights over its own holding period."""
        made = netted(self.signals, self.capital).filter(pl.col("session").is_in(list(sessions)))
        total = made.select(KEYS)
        for name in self.signals:
            own = self.part(name, sessions).select(*KEYS, pl.col("proposed_weight").alias(name))
            total = total.join(own, on=KEYS, how="left", validate="1:1", maintain_order="left")
        weight = total.select(weight=pl.sum_horizontal(*self.signals))["weight"].to_numpy()
        return made.with_columns(proposed_weight=pl.Series(np.where(weight == 0.0, 0.0, weight), dtype=pl.Float64))


def targets_of(
    signals: Mapping[str, pl.DataFrame],
    capital: Mapping[str, float],
    rules: Sequence[NamedRule] = (),
    *,
    holding_sessions: int | Mapping[str, Mapping[date, int]] = 1,
    identities: Identities | None = None,
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
    frames, days, sessions
        See `ats_assets.risk.rule.Rule.apply`.

    Returns
    -------
    DataFrame
        The contract `Targets`.

    Raises
    ------
    ContractError
        If a rule does not keep to its contract.
    """
    earlier = earlier_books(rules)
    chain = with_earlier(days, sessions, earlier[0])
    if isinstance(holding_sessions, int):
        made = over_holding_period(netted(signals, capital), days, chain, holding_sessions=holding_sessions, identities=identities)
    else:
        held = OwnHoldings(signals=signals, capital=capital, holding=holding_sessions, days=days, identities=identities)
        made = held.wanted(chain)
    books = made.select("symbol", "session", weight="proposed_weight")
    made = _of(made, sessions)
    told = [_strategies_reasons(made, name, frame) for name, frame in signals.items() if REASON in frame.columns]
    for i, one in enumerate(rules):
        wanted = with_earlier(days, sessions, earlier[i + 1])
        given = _of(books, wanted)
        seen = {**frames, BOOKS: books} if past_books(one.rule) else frames
        allowed = ruled(one.name, given, one.rule.apply(given, seen, days, wanted))
        books = allowed.drop(REASON)
        told.append(_of(allowed, sessions)[REASON])
    named = [reasons.alias(f"reason {i}") for i, reasons in enumerate(told)]
    reasons = pl.concat_list(named).list.drop_nulls() if named else pl.lit([], dtype=TARGETS_SCHEMA["reasons"])
    made = made.with_columns(target_weight=books["weight"], reasons=reasons)
    return made.select(pl.col(name).cast(dtype) for name, dtype in TARGETS_SCHEMA.items())


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
