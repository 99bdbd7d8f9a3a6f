"""Strategies of options: what one sees and decides, how decisions are filled, and the book that follows from them."""

from ats_assets.option_strategies.option_strategy import (
    ComingAction,
    Decision,
    HeldOption,
    KnownDividend,
    OptionLeg,
    OptionStrategy,
    OptionView,
)

__all__ = ["ComingAction", "Decision", "HeldOption", "KnownDividend", "OptionLeg", "OptionStrategy", "OptionView"]
