"""Rows of the tables of one strategy's account."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ats_assets.option_backtests.session_chain import ContractGreeks, SessionChain
from ats_assets.option_strategies.book.book_entries import OptionPosition, ShareHolding, to_cent
from ats_assets.option_strategies.book.option_book import OptionBook
from ats_assets.option_strategies.fills import LegFill
from ats_assets.option_strategies.option_strategy import Decision
from ats_assets.options.contract import OptionContract


def legs_in_words(decision: Decision) -> str:
    """Such as "-2 AAPL140621P00090000, +200 shares".

    Examples
    --------
    >>> from ats_assets.option_strategies import OptionLeg
    >>> legs = (OptionLeg(contract=None, quantity=200, open_or_close="open"),)
    >>> legs_in_words(Decision(strategy="s", underlying="A", action="open", legs=legs, reason="", rule=""))
    '+200 shares'
    """
    return ", ".join(f"{leg.quantity:+} {'shares' if leg.contract is None else leg.contract.symbol}" for leg in decision.legs)


def position_row(session: date, strategy: str, position: OptionPosition) -> dict[str, Any]:
    """Contracts that are held at the end of a session."""
    names = ("underlying", "multiplier", "average_price", "mark", "value", "opened_session", "tag", "unquoted_sessions")
    own = {name: getattr(position, name) for name in names}
    return {
        "session": session,
        "strategy": strategy,
        "contract": position.contract.symbol,
        "quantity": float(position.quantity),
        "days_held": (session - position.opened_session).days,
    } | own


def share_row(session: date, strategy: str, underlying: str, holding: ShareHolding) -> dict[str, Any]:
    """Shares that are held at the end of a session."""
    return {
        "session": session,
        "strategy": strategy,
        "underlying": underlying,
        "contract": None,
        "quantity": float(holding.quantity),
        "multiplier": 1,
        "average_price": holding.cost / holding.quantity,
        "mark": holding.spot,
        "value": holding.value,
        "opened_session": None,
        "days_held": None,
        "tag": "",
        "unquoted_sessions": 0,
    }


def option_fill_row(session: date, strategy: str, fill: LegFill, chain: SessionChain, *, decided: date, rule: str) -> dict[str, Any]:
    """A trade of contracts or shares, with the quotes of its session."""
    quote = None if fill.contract is None else chain.quote(fill.contract)
    return {
        "session": session,
        "decision_session": decided,
        "strategy": strategy,
        "contract": None if fill.contract is None else fill.contract.symbol,
        "bid": None if quote is None else quote.bid,
        "ask": None if quote is None else quote.ask,
        "cash": to_cent(fill.cash),
        "spread_paid": to_cent(fill.spread_paid),
        "rule": rule,
        **{name: getattr(fill, name) for name in ("underlying", "quantity", "open_or_close", "price", "multiplier", "fee")},
    }


def greek_rows(session: date, book: OptionBook, known: Mapping[OptionContract, ContractGreeks | None]) -> list[dict[str, Any]]:
    """Of each underlying the sum of the greeks of what is held; shares have a delta of 1."""
    found = []
    for underlying in book.underlyings():
        total = dict.fromkeys(("delta", "gamma", "theta", "vega"), 0.0)
        total["delta"] = float(book.shares_of(underlying))
        unknown = 0
        for contract, position in book.options.items():
            if position.underlying != underlying:
                continue
            greeks = known[contract]
            unknown += abs(position.quantity) if greeks is None else 0
            for name in total if greeks is not None else ():
                total[name] += position.quantity * position.multiplier * getattr(greeks, name)
        found.append({"session": session, "strategy": book.strategy, "underlying": underlying, **total, "contracts_without": unknown})
    return found


def cash_flow_rows(book: OptionBook) -> list[dict[str, Any]]:
    """The rows of the book, numbered."""
    return [{"number": number, **vars(flow)} for number, flow in enumerate(book.flows)]
