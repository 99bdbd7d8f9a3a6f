"""The short codes of the rules that decide (`Decision.rule`), and what each means: docs/option_strategies.md lists them."""

from typing import Final

RULE_CODES: Final = {
    # opens
    "sell_put": "a put is sold that satisfies the selection",
    "sell_call": "a call is sold against shares that are held",
    "buy_shares": "shares are bought, to sell calls against them at the next session",
    "open_structure": "all legs of a spread, condor, straddle or strangle are opened together",
    # skips
    "no_chain": "the underlying has no chain at the session, and another session's is not decided on",
    "no_contract": "no contract satisfies the selection: what each rule took out, and the nearest",
    "no_cash": "the cash that is free is too little for one contract",
    "share_limit": "sizing.max_share of the underlying is used up",
    "contract_limit": "sizing.max_contracts of the underlying are held",
    "position_limit": "max_positions of the underlying are open",
    "small_premium": "a structure's credit or debit is outside of what settings ask for",
    "no_shares": "no shares are held that a call could be sold against",
    "odd_lot": "fewer shares are held than one contract is for",
    "covered": "all shares are covered by calls already",
    "cash_settled": "contracts on the underlying are settled in cash: there are no shares to deliver",
    # holds
    "hold": "no rule asks for anything: how near each is",
    "no_quote": "the contract has no price at the session",
    "no_ask": "a rule asks to buy back, but nobody sells",
    "no_roll": "a roll is due, but nothing to roll to satisfies the selection: unable_to_roll says what then",
    "action_ahead": "a split or another change of the underlying takes effect at the next session",
    "ex_date_too_late": "assignment before the ex-date is to be expected tonight, and nothing can be traded before it",
    "expires": "it expires at the next session, and is left to; in the money it is exercised or assigned",
    "worthless_leg": "a long leg that is left of a structure and that nobody buys",
    # closes and rolls
    "profit_target": "as much of the premium is captured as exits.profit_target asks for",
    "stop": "it has lost as much as exits.stop_multiple or exits.stop_share allows",
    "close_days": "exits.close_days or fewer are left",
    "in_the_money": "a structure in the money at its last session is closed before shares are exchanged",
    "close_delta": "a short leg's delta has reached exits.close_delta",
    "ex_date": "a short call's time value is below the dividend, so that it would be assigned before the ex-date",
    "roll_days": "exits.roll_days or fewer are left",
    "roll_captured": "as much of the premium is captured as exits.roll_captured asks for",
    "roll_delta": "the delta has reached exits.roll_delta",
    "adjusted": "the contract delivers something else than shares: it is left",
    "uncovered": "more calls are short than shares cover",
    "foreign_position": "a position that this kind of strategy never opens: it is closed where somebody trades it",
    "broken_structure": "a structure has lost a leg, by assignment or otherwise: the rest is closed",
    "assigned_shares": "shares that an assignment has left are closed",
}
"""Code -> what it means."""
