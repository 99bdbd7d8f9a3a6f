"""One strategy of options as it is traded over history: its book, the decisions that wait for the next session, and the rows of all tables."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final, Self

from ats_assets.errors import OptionError
from ats_assets.option_backtests.account_rows import cash_flow_rows, greek_rows, legs_in_words, option_fill_row, position_row, share_row
from ats_assets.option_backtests.greek_attribution import GreekAttribution
from ats_assets.option_backtests.session_chain import ContractGreeks, SessionChain
from ats_assets.option_strategies.book.book_entries import OptionPosition, ShareHolding, intrinsic_value, to_cent
from ats_assets.option_strategies.book.contract_actions import ADJUSTED, ShareAction, apply_share_actions, close_adjusted
from ats_assets.option_strategies.book.early_assignment import assign_early
from ats_assets.option_strategies.book.expiries import exercise_held, settle_expiries
from ats_assets.option_strategies.book.margin_need import MarginAccount, margin_need
from ats_assets.option_strategies.book.option_book import OptionBook
from ats_assets.option_strategies.fills import ZERO, LegFill, NotFilled, OptionFillRules, decision_fills
from ats_assets.option_strategies.option_strategy import TRADING, Decision, OptionStrategy
from ats_assets.options.contract import OptionContract

REFUSED: Final = {
    "position_gone": "what was to be closed is not held any more: assigned, expired, or closed by another decision",
    "corporate_action": "it was decided in old shares",
    "margin": "the equity does not carry the margin that it would take",
    "not_exercised": "it can't be exercised",
    "no_chain": "there is no chain of the session",
}
"""Why a decision is not traded, beside `fills.NOT_FILLED`."""


@dataclass(frozen=True, kw_only=True)
class OptionTradingRules:
    """How decisions are traded, and what holding costs.

    Attributes
    ----------
    puts_at_rate
        The interest rate of a session by which puts are exercised early (`assign_early`); None: none is.
    debit_rate, borrow_rate
        A year of 360 days, on cash below zero and on the value of short shares.
    """

    fills: OptionFillRules = field(default_factory=OptionFillRules)
    account: MarginAccount = "reg_t"
    fee_per_assignment: Decimal = ZERO
    puts_at_rate: Callable[[date], float] | None = None
    debit_rate: Decimal = ZERO
    borrow_rate: Decimal = ZERO


@dataclass(frozen=True, kw_only=True)
class TradedStrategy:
    """A strategy with what it trades and the cash that it begins with."""

    name: str
    strategy: OptionStrategy
    underlyings: tuple[str, ...]
    capital: Decimal


class StrategyAccount:
    """The account of one strategy; `simulation` says in which order its steps are taken.

    Attributes
    ----------
    rows
        By the name of each table.
    """

    def __init__(self, traded: TradedStrategy, rules: OptionTradingRules, session: date) -> None:
        self.traded, self.rules = traded, rules
        self.book = OptionBook.opened(traded.name, traded.capital, session)
        self.rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._pending: list[tuple[dict[str, Any], Decision]] = []
        self._greeks: dict[OptionContract, ContractGreeks | None] = {}
        self._before: date | None = None
        self._attribution = GreekAttribution(self.book)

    @classmethod
    def resumed(cls, traded: TradedStrategy, rules: OptionTradingRules, book: OptionBook, before: date) -> Self:
        """The account of a book that was kept elsewhere, as it stood at the close of `before`."""
        made = cls(traded, rules, before)
        made.book, made._before, made._attribution = book, before, GreekAttribution(book)
        return made

    def begin(self, session: date, actions: Mapping[str, ShareAction]) -> None:
        """Before the open: what is borrowed is paid for, and corporate actions take effect."""
        positions = [(one, self._greeks.get(contract)) for contract, one in self.book.options.items()]
        self._attribution.begin(positions, actions)
        if self._before is not None:
            self._charge(session, (session - self._before).days)
        self._before = session
        apply_share_actions(self.book, session, actions)

    def _charge(self, session: date, days: int) -> None:
        for underlying, holding in sorted(self.book.shares.items()):
            fee = to_cent(-min(holding.value, ZERO) * self.rules.borrow_rate * days / 360)
            if fee:
                self.book.record(session, "borrow", underlying, cash=-fee, detail=f"{days} days")
        interest = to_cent(-min(self.book.cash, ZERO) * self.rules.debit_rate * days / 360)
        if interest:
            self.book.record(session, "interest", None, cash=-interest, detail=f"{days} days")

    def trade(self, session: date, chain: SessionChain, actions: Mapping[str, ShareAction]) -> None:
        """Trade the decisions of the session before at this session's quotes."""
        self._know_spots(chain)
        for row, decision in self._pending:
            refused = self._tried(session, chain, row, decision, actions)
            row["traded_session"] = session
            row["outcome"] = refused.reason if refused else "exercised" if decision.action == "exercise" else "filled"
            if refused:
                self.rows["unfilled"].append(
                    {
                        "session": session,
                        "decision_session": row["session"],
                        **{name: row[name] for name in ("strategy", "underlying", "action", "rule", "legs")},
                        "reason": refused.reason,
                        "detail": refused.detail,
                    }
                )
        self._pending = []

    def _tried(
        self, session: date, chain: SessionChain, row: Mapping[str, Any], decision: Decision, actions: Mapping[str, ShareAction]
    ) -> NotFilled | None:
        action = actions.get(decision.underlying)
        if action is not None and (action.ratio != 1 or action.adjusts or action.renamed_to):
            return _refused("corporate_action", f"{decision.underlying}: {', '.join(action.kinds)}")
        gone = self.book.gone(decision)
        if gone:
            return _refused("position_gone", gone)
        if decision.action == "exercise":
            return self._exercise(session, chain, decision)
        fills = decision_fills(decision, chain.quotes(leg.contract for leg in decision.legs), chain.spots, self.rules.fills)
        if isinstance(fills, NotFilled):
            return fills if chain.rows.height else _refused("no_chain", fills.detail)
        over = self._over_margin(session, fills)
        if over:
            return over
        self.book.apply_fills(session, fills, rule=decision.rule, detail=decision.rule)
        self._know_spots(chain)
        self._record_fills(session, chain, fills, decided=row["session"], rule=decision.rule)
        return None

    def _record_fills(self, session: date, chain: SessionChain, fills: tuple[LegFill, ...], *, decided: date, rule: str) -> None:
        self._attribution.pay_spread(fills)
        self.rows["option_fills"] += [
            option_fill_row(session, self.book.strategy, fill, chain, decided=decided, rule=rule) for fill in fills
        ]

    def _exercise(self, session: date, chain: SessionChain, decision: Decision) -> NotFilled | None:
        try:
            for leg in decision.legs:
                if leg.contract is not None:
                    exercise_held(
                        self.book,
                        session,
                        leg.contract,
                        -leg.quantity,
                        spots=chain.spots,
                        fee_per_contract=self.rules.fee_per_assignment,
                    )
        except OptionError as error:
            return _refused("not_exercised", str(error))
        return None

    def _over_margin(self, session: date, fills: tuple[LegFill, ...]) -> NotFilled | None:
        """The refusal of fills after which the equity is below what margin needs, where they raise that need."""
        if all(fill.open_or_close == "close" for fill in fills):
            return None
        before = margin_need(self.book, self.rules.account)
        tried = _copied(self.book)
        tried.apply_fills(session, fills)
        for contract, position in tried.options.items():
            position.spot = position.spot or self._spots.get(contract.underlying)
        need, equity = margin_need(tried, self.rules.account), tried.equity
        if need <= equity or need <= before:
            return None
        return _refused("margin", f"{need:,.2f} would be needed, the equity would be {equity:,.2f} ({self.rules.account})")

    def _know_spots(self, chain: SessionChain) -> None:
        self._spots = chain.spots
        for position in self.book.options.values():
            self._mark_one(position, chain, count=False)
        for underlying, holding in self.book.shares.items():
            holding.spot = chain.spots.get(underlying, holding.spot)

    def _mark_one(self, position: OptionPosition, chain: SessionChain, *, count: bool) -> None:
        """At the mark of the session; without one its last time value on top of what it is worth exercised."""
        mark, spot = chain.mark(position.contract), chain.spots.get(position.underlying)
        if mark is None and spot is not None and position.spot is not None:
            time_value = max(position.mark - intrinsic_value(position.contract, position.spot), ZERO)
            position.mark = intrinsic_value(position.contract, spot) + time_value
        elif mark is not None:
            position.mark = mark
        position.spot = position.spot if spot is None else spot
        if count:
            position.unquoted_sessions = position.unquoted_sessions + 1 if mark is None else 0

    def close(self, session: date, next_session: date, chain: SessionChain) -> None:
        """Settle what can't be traded at the next session, and mark the rest."""
        settle_expiries(self.book, session, next_session, chain.spots, fee_per_contract=self.rules.fee_per_assignment)
        for position in self.book.options.values():
            self._mark_one(position, chain, count=True)
        for underlying, holding in self.book.shares.items():
            holding.spot = chain.spots.get(underlying, holding.spot)

    def decided(self, session: date, decisions: list[Decision]) -> None:
        """Record what the strategy decided; what is to be traded waits for the next session."""
        for number, one in enumerate(decisions):
            row: dict[str, Any] = {
                "session": session,
                "strategy": self.book.strategy,
                "number": number,
                **{name: getattr(one, name) for name in ("underlying", "action", "rule", "reason", "limit_price")},
                "legs": legs_in_words(one),
                "traded_session": None,
                "outcome": "none",
            }
            self.rows["decisions"].append(row)
            if (one.action in TRADING or one.action == "exercise") and one.legs:
                row["outcome"] = "waits"
                self._pending.append((row, one))

    def night(self, session: date, next_session: date, chain: SessionChain, actions: Mapping[str, ShareAction]) -> None:
        """What happens before the ex-session that follows: early assignments, and the end of what it would adjust."""
        assign_early(
            self.book,
            session,
            next_session,
            marks={one: mark for one in self.book.options if (mark := chain.mark(one)) is not None},
            spots=chain.spots,
            dividends={name: one.cash for name, one in actions.items() if one.cash > 0},
            puts_at_rate=None if self.rules.puts_at_rate is None else self.rules.puts_at_rate(session),
            fee_per_contract=self.rules.fee_per_assignment,
        )
        quotes = chain.quotes(self.book.options)
        fills = close_adjusted(self.book, session, actions, quotes=quotes, spots=chain.spots, rules=self.rules.fills)
        self._record_fills(session, chain, fills, decided=session, rule=ADJUSTED)

    def end(self, session: date, chain: SessionChain) -> None:
        """The rows of the session's end."""
        book = self.book
        self._greeks = {contract: chain.greeks(contract) for contract in book.options}
        self.rows["attribution"] += self._attribution.rows(session, chain)
        need = margin_need(book, self.rules.account)
        parts = {
            "options_value": sum((one.value for one in book.options.values()), ZERO),
            "shares_value": sum((one.value for one in book.shares.values()), ZERO),
        }
        self.rows["equity"].append(
            {
                "session": session,
                "strategy": book.strategy,
                "cash": book.cash,
                **parts,
                "equity": book.equity,
                **self._attribution.totals(),
                "margin_need": to_cent(need) if need.is_finite() else None,
                "n_contracts": sum(abs(one.quantity) for one in book.options.values()),
            }
        )
        for _, position in sorted(book.options.items()):
            self.rows["positions"].append(position_row(session, book.strategy, position))
        for underlying, holding in sorted(book.shares.items()):
            self.rows["positions"].append(share_row(session, book.strategy, underlying, holding))
        self.rows["greeks_over_time"] += greek_rows(session, book, self._greeks)

    def finished(self) -> dict[str, list[dict[str, Any]]]:
        """All rows, by table."""
        self.rows["cash_flows"] = cash_flow_rows(self.book)
        self.rows["closed_positions"] = [dict(vars(one)) for one in self.book.closed]
        return self.rows


def _refused(reason: str, detail: str) -> NotFilled:
    return NotFilled(reason=reason, detail=f"{REFUSED[reason]}: {detail}")


def _copied(book: OptionBook) -> OptionBook:
    """A book to try fills on; its rows are not those of the book."""
    return OptionBook(
        strategy=book.strategy,
        cash=book.cash,
        options={contract: OptionPosition(**vars(one)) for contract, one in book.options.items()},
        shares={underlying: ShareHolding(**vars(one)) for underlying, one in book.shares.items()},
    )
