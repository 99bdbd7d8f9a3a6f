"""Why an account may not trade now, and the first of several reasons."""

from collections.abc import Sequence

from ats_assets.execution.order import AccountState, OrderIntent


def names_of(intents: Sequence[OrderIntent]) -> list[str]:
    """Their client order ids, in their order."""
    return [intent.client_order_id for intent in intents]


def first_reason(*reasons: str | None) -> str | None:
    """The first that there is."""
    return next((reason for reason in reasons if reason), None)


def blocked_account(account: AccountState) -> str | None:
    """Why nothing at all may be sent."""
    if account.trading_blocked:
        return f"the broker has blocked trading of account {account.account_id}: ask it why"
    return None


def not_opening(account: AccountState) -> str | None:
    """Why nothing may be opened; what reduces a position needs no buying power, and frees some."""
    if account.buying_power < 0:
        return f"the buying power of account {account.account_id} is {account.buying_power}, below zero: orders that open positions wait"
    return None
