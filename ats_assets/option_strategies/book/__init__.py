"""The book of a strategy of options: every cash flow, expiry, assignment, corporate action, and what margin it takes."""

from ats_assets.option_strategies.book.book_entries import CASH_FLOW_KINDS, CashFlow, ClosedPosition, OptionPosition
from ats_assets.option_strategies.book.contract_actions import ShareAction, apply_share_actions, close_adjusted, coming_actions
from ats_assets.option_strategies.book.early_assignment import assign_early
from ats_assets.option_strategies.book.expiries import exercise_held, settle_expiries
from ats_assets.option_strategies.book.margin_need import MarginAccount, margin_need
from ats_assets.option_strategies.book.option_book import OptionBook

__all__ = [
    "CASH_FLOW_KINDS",
    "CashFlow",
    "ClosedPosition",
    "MarginAccount",
    "OptionBook",
    "OptionPosition",
    "ShareAction",
    "apply_share_actions",
    "assign_early",
    "close_adjusted",
    "coming_actions",
    "exercise_held",
    "margin_need",
    "settle_expiries",
]
