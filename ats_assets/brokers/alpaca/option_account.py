"""What an account at Alpaca may do with option contracts, and why an order for some would be refused: before it is planned, so that the reason is there to read.

| level | what it may do |
|---|---|
| 0 | nothing with options |
| 1 | sell calls that are covered by shares, and puts that are secured by cash |
| 2 | buy calls and puts, too |
| 3 | orders of several legs, too: spreads, condors, rolls |

From Alpaca's documentation (docs.alpaca.markets/docs/options-trading) and alpaca-py's `TradeAccount`: `options_trading_level` is the lower of what was approved (`options_approved_level`) and
what its owner has chosen (`max_options_trading_level`). Contracts that nothing covers are sold at no level. An answer that leaves the level open grants none.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from ats_assets.brokers.alpaca.account_rules import account_rules
from ats_assets.brokers.alpaca.answers import lenient
from ats_assets.brokers.alpaca.holdings import read_account
from ats_assets.brokers.alpaca.numbers import exact_decimal
from ats_assets.brokers.alpaca.option_orders import form_reason
from ats_assets.execution.contract_legs import ContractLeg, as_contract, is_contract, underlying_of
from ats_assets.execution.order import OrderIntent, Position
from ats_assets.options.contract import Right

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient
    from alpaca.trading.models import AccountConfiguration, OptionContract, TradeAccount

_PAGE = 1000
_SINGLE_SALES, _PURCHASES, _PACKAGES = 1, 2, 3


@dataclass(frozen=True, kw_only=True)
class OptionRules:
    """What an account may do with options.

    Attributes
    ----------
    trading
        Why it may send no order at all; None: it may.
    level
        `options_trading_level`; None: the answer does not say.
    approved
        `options_approved_level`, by which a person sees whether a choice of the owner's or the approval is in the way.
    buying_power
        For what is bought, and for puts that are sold; None: the answer does not say, and Alpaca judges by itself.
    """

    trading: str | None = None
    level: int | None = None
    approved: int | None = None
    buying_power: Decimal | None = None


@dataclass
class CoverHeld:
    """Shares and contracts that are held, by symbol; what orders that come before take is taken off."""

    held: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    @classmethod
    def of(cls, positions: Iterable[Position]) -> "CoverHeld":
        """What the positions are."""
        return cls(defaultdict(Decimal, {one.symbol: one.quantity for one in positions}))

    def add(self, intent: OrderIntent) -> None:
        """Count an order as filled."""
        for leg in intent.legs:
            self.held[leg.symbol] += leg.ratio * intent.quantity

    def uncovered_calls(self, underlying: str) -> Decimal:
        """Calls on it that are short beyond what shares and calls that are held cover."""
        short = cover = Decimal(0)
        for symbol, quantity in self.held.items():
            contract = as_contract(symbol)
            if contract is not None and contract.underlying == underlying and contract.right is Right.CALL:
                short, cover = short + max(-quantity, Decimal(0)), cover + max(quantity, Decimal(0))
        return max(Decimal(0), short - cover - max(self.held[underlying], Decimal(0)) // 100)


def option_refusals(
    client: "TradingClient", intents: Sequence[OrderIntent], positions: Callable[[], Sequence[Position]], *, live: bool
) -> dict[str, str]:
    """Why orders would be refused, by client order id; those that come first are counted as filled for those that follow."""
    if not intents:
        return {}
    account, chosen = read_account(client), client.get_account_configurations()
    rules = option_rules(account, cast("AccountConfiguration", chosen), live=live)
    contracts = find_contracts(client, sorted({leg.symbol for one in intents for leg in one.legs if is_contract(leg.symbol)}))
    holdings, found = CoverHeld.of(positions()), {}
    for intent in intents:
        reason = why_refused(intent, rules, contracts, holdings)
        if reason:
            found[intent.client_order_id] = reason
        else:
            holdings.add(intent)
    return found


def option_rules(account: "TradeAccount", configuration: "AccountConfiguration | None" = None, *, live: bool = False) -> OptionRules:
    """What the account may do.

    Raises
    ------
    BrokerError
        If a number that is needed is none.
    """
    power = account.options_buying_power
    return OptionRules(
        trading=account_rules(account, configuration, live=live).trading,
        level=account.options_trading_level,
        approved=account.options_approved_level,
        buying_power=None if power is None else exact_decimal(power, "options_buying_power"),
    )


def why_refused(
    intent: OrderIntent, rules: OptionRules, contracts: "Mapping[str, OptionContract | str | None]", holdings: CoverHeld
) -> str | None:
    """Why an order would be refused; None where nothing is known that speaks against it."""
    reason = f"the account can't trade: {rules.trading}" if rules.trading else form_reason(intent.legs, intent.limit_price)
    return (
        reason
        or _level_reason(intent, rules)
        or next((text for leg in intent.legs if (text := _contract_reason(leg, contracts.get(leg.symbol)))), None)
        or _cover_reason(intent, holdings)
        or _money_reason(intent, rules)
    )


def level_needed(legs: Sequence[ContractLeg]) -> int:
    """The lowest level whose account may send an order of these legs.

    Examples
    --------
    >>> put = ContractLeg("AAPL140621P00640000", -1, opens=True)
    >>> bought = ContractLeg("AAPL140621P00630000", 1, opens=True)
    >>> [level_needed(legs) for legs in ([put], [bought], [put, bought])]
    [1, 2, 3]
    """
    if len(legs) > 1:
        return _PACKAGES
    return _PURCHASES if legs[0].ratio > 0 and legs[0].opens else _SINGLE_SALES


def _level_reason(intent: OrderIntent, rules: OptionRules) -> str | None:
    if not any(is_contract(leg.symbol) for leg in intent.legs):
        return None
    needed = level_needed(intent.legs)
    if rules.level is not None and rules.level >= needed:
        return None
    told = "not known" if rules.level is None else str(rules.level)
    return f"it needs level {needed}, and the account's is {told} (options_trading_level; approved: {rules.approved})"


def _contract_reason(leg: ContractLeg, found: "OptionContract | str | None") -> str | None:
    if not is_contract(leg.symbol):
        return None
    if found is None:
        return f"{leg.symbol} is not known to Alpaca"
    if isinstance(found, str):
        return f"{leg.symbol} {found}"
    if found.status.value != "active":
        return f"{leg.symbol} is no longer active: expired or adjusted"
    if not found.tradable:
        return f"{leg.symbol} can't be traded now"
    if exact_decimal(found.size, "size") != leg.multiplier:
        return f"{leg.symbol} is for {found.size} shares at Alpaca, and for {leg.multiplier:f} in the chain: its deliverable is another"
    return None


def _cover_reason(intent: OrderIntent, holdings: CoverHeld) -> str | None:
    """Alpaca sells no call that nothing covers, at any level."""
    after = CoverHeld(holdings.held.copy())
    after.add(intent)
    for underlying in sorted({underlying_of(leg.symbol) for leg in intent.legs}):
        bare = after.uncovered_calls(underlying)
        if bare > holdings.uncovered_calls(underlying):
            return f"{bare:f} calls on {underlying} would be short beyond what shares and other calls cover, which Alpaca takes at no level"
    return None


def _money_reason(intent: OrderIntent, rules: OptionRules) -> str | None:
    """A single put that is sold is secured by its strike, and what is bought is paid for; what spreads need, Alpaca computes."""
    if rules.buying_power is None or len(intent.legs) != 1 or not intent.legs[0].opens:
        return None
    leg = intent.legs[0]
    contract = as_contract(leg.symbol)
    if contract is None or (leg.ratio < 0 and contract.right is Right.CALL):
        return None
    price = contract.strike if leg.ratio < 0 else intent.limit_price or Decimal(0)
    needed = price * leg.multiplier * intent.quantity
    if needed <= rules.buying_power:
        return None
    return f"it takes {needed:.2f} of buying power for options, and there are {rules.buying_power:.2f} (options_buying_power)"


def find_contracts(client: "TradingClient", symbols: Sequence[str]) -> "dict[str, OptionContract | str | None]":
    """The contracts of OCC symbols, as Alpaca lists them: one question for each underlying and expiry. None: it has none; a text: why it can't be read."""
    from alpaca.trading.requests import GetOptionContractsRequest  # noqa: PLC0415

    found: dict[str, OptionContract | str | None] = dict.fromkeys(symbols)
    groups = sorted({(contract.underlying, contract.expiry) for symbol in symbols if (contract := as_contract(symbol))})
    for underlying, expiry in groups:
        token: str | None = None
        while True:
            query = GetOptionContractsRequest(underlying_symbols=[underlying], expiration_date=expiry, limit=_PAGE, page_token=token)
            fields = query.to_request_fields() | {"underlying_symbols": underlying, "expiration_date": expiry.isoformat()}
            answer = cast("dict[str, Any]", client.get("/options/contracts", fields))
            for raw in answer["option_contracts"] or ():
                if raw.get("symbol") in found:
                    found[raw["symbol"]] = _read(raw)
            token = answer.get("next_page_token")
            if not token:
                break
    return found


def _read(raw: Mapping[str, Any]) -> "OptionContract | str":
    from alpaca.trading.models import OptionContract  # noqa: PLC0415

    try:
        return lenient(OptionContract)(**raw)
    except (ValidationError, TypeError) as error:
        return f"is a contract that can't be read ({type(error).__name__})"
