"""What an account at Alpaca and an asset of its list may not do, in words: what is not planned, since it would be refused. docs/orders.md has a row for each field.

Nothing is asked for here. An answer that leaves a permission open (null) grants none, where to be wrong would cost money: shorts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ats_assets.algorithms.price_grid import is_in_dollars
from ats_assets.brokers.alpaca.numbers import exact_decimal
from ats_assets.execution.order import Instrument, exact

if TYPE_CHECKING:
    from alpaca.trading.models import AccountConfiguration, Asset, TradeAccount

OVERNIGHT_MULTIPLIER = Decimal(2)
"""What is bought at an open is held overnight: Regulation T lends as much again, whatever is lent within a day."""
INITIAL_MARGIN = Decimal("0.5")
DAY_TRADES, DAY_TRADER_EQUITY = 3, Decimal(25_000)
"""FINRA's rule of pattern day traders, where an account still has its fields."""


@dataclass(frozen=True, kw_only=True)
class AccountRules:
    """What an account may do. A text says why not; None is yes.

    Attributes
    ----------
    trading
        Any order.
    opening
        An order that opens or enlarges a position.
    shorting, fractions, crypto, partnerships
        Shorts, parts of a share, crypto, partnerships whose sales are taxed at the source (attribute `ptp_no_exception`).
    multiplier
        Of buying power to equity, overnight.
    buying_power, cash_power
        What new positions may cost, and those without margin, in the account's currency.
    """

    trading: str | None = None
    opening: str | None = None
    shorting: str | None = None
    fractions: str | None = None
    crypto: str | None = None
    partnerships: str | None = None
    multiplier: Decimal = OVERNIGHT_MULTIPLIER
    buying_power: Decimal = Decimal(0)
    cash_power: Decimal | None = None


def account_rules(
    account: "TradeAccount", configuration: "AccountConfiguration | None" = None, *, live: bool = False, brackets: bool = False
) -> AccountRules:
    """What the account may do.

    Parameters
    ----------
    configuration
        Its owner's choices; without them, only what the account says itself.
    brackets
        Whether orders leave exits that may end a position on the day on which it began.

    Raises
    ------
    BrokerError
        If a number that is needed is missing.
    """
    powers = [exact_decimal(account.buying_power, "buying_power")]
    powers += [exact_decimal(account.regt_buying_power, "regt_buying_power")] if account.regt_buying_power is not None else []
    cash_power = account.non_marginable_buying_power
    multiplier = OVERNIGHT_MULTIPLIER if account.multiplier is None else exact_decimal(account.multiplier, "multiplier")
    chosen = configuration
    return AccountRules(
        trading=_trading(account, live=live)
        or ("its owner has suspended trading (suspend_trade)" if chosen and chosen.suspend_trade else None),
        opening=_opening(account, brackets=brackets),
        shorting=_shorting(account, multiplier) or ("its owner takes no shorts (no_shorting)" if chosen and chosen.no_shorting else None),
        fractions="its owner takes no fractions (fractional_trading)" if chosen and not chosen.fractional_trading else None,
        crypto=None
        if _text(account.crypto_status) == "ACTIVE"
        else f"crypto is not open to it (crypto_status: {_text(account.crypto_status)})",
        partnerships=None
        if chosen is None or chosen.ptp_no_exception_entry
        else "its owner takes no partnerships (ptp_no_exception_entry)",
        multiplier=max(Decimal(1), min(multiplier, OVERNIGHT_MULTIPLIER)),
        buying_power=min(powers),
        cash_power=None if cash_power is None else exact_decimal(cash_power, "non_marginable_buying_power"),
    )


def _trading(account: "TradeAccount", *, live: bool) -> str | None:
    status = _text(account.status)
    if status != "ACTIVE" and (live or status != "PAPER_ONLY"):
        return f"its status is {status}"
    if account.currency not in (None, "USD"):
        return f"its currency is {account.currency}, and prices are in USD"
    blocks = [name for name in ("trading_blocked", "account_blocked", "trade_suspended_by_user") if getattr(account, name)]
    return f"it is blocked ({', '.join(blocks)})" if blocks else None


def _opening(account: "TradeAccount", *, brackets: bool) -> str | None:
    equity = exact_decimal(account.equity, "equity")
    if account.maintenance_margin is not None and exact_decimal(account.maintenance_margin, "maintenance_margin") > max(equity, Decimal(0)):
        return f"its equity {equity} is below the maintenance margin {account.maintenance_margin}"
    watched = bool(account.pattern_day_trader) or (account.daytrade_count or 0) >= DAY_TRADES
    if brackets and watched and equity < DAY_TRADER_EQUITY:
        return f"the exits of a bracket may be a day trade, and its equity {equity} is below {DAY_TRADER_EQUITY} (pattern_day_trader, daytrade_count)"
    return None


def _shorting(account: "TradeAccount", multiplier: Decimal) -> str | None:
    if account.shorting_enabled is not True:
        return f"shorts are not open to it (shorting_enabled: {account.shorting_enabled})"
    return f"shorts need margin (multiplier: {multiplier})" if multiplier <= 1 else None


def instrument_of(symbol: str, asset: "Asset | str | None", rules: AccountRules) -> Instrument:
    """What the account can do with an asset; `symbol` is ours of it.

    Parameters
    ----------
    asset
        None: there is no such asset; a text: why it can't be told which it is.
    """
    reason = f"{symbol}: the account can't trade: {rules.trading}" if rules.trading else _untradable(symbol, asset, rules)
    if reason or asset is None or isinstance(asset, str):
        return Instrument(symbol=symbol, tradable=False, fractionable=False, shortable=False, openable=False, reason=reason)
    closed = _unopenable(asset, rules)
    return Instrument(
        symbol=symbol,
        tradable=True,
        fractionable=bool(asset.fractionable) and (rules.fractions is None or _is_crypto(asset)),
        shortable=bool(asset.shortable and asset.easy_to_borrow) and rules.shorting is None,
        openable=closed is None,
        reason=None if closed is None else f"{symbol} is not bought: {closed}",
        margin_factor=_margin_factor(asset, rules),
        price_increment=_increment(asset.price_increment),
        quantity_increment=_increment(asset.min_trade_increment),
        min_quantity=_increment(asset.min_order_size),
    )


def _increment(value: float | None) -> Decimal | None:
    return exact(value) if value else None


def _untradable(symbol: str, asset: "Asset | str | None", rules: AccountRules) -> str | None:
    if asset is None:
        return f"{symbol} is not known to Alpaca"
    if isinstance(asset, str):
        return f"{symbol} {asset}"
    if _text(asset.asset_class) not in ("us_equity", "crypto"):
        return f"{symbol} is of class {_text(asset.asset_class)}: only stocks and crypto are traded"
    if not is_in_dollars(symbol):
        return f"{symbol} is priced in {symbol.rpartition('/')[2]}: only what is priced in US dollars is traded"
    if _text(asset.status) != "active":
        return f"{symbol} is no longer active: delisted or renamed"
    if not asset.tradable:
        return f"{symbol} can't be traded now: halted, or closed to trading"
    return f"{symbol}: {rules.crypto}" if _is_crypto(asset) and rules.crypto else None


def _unopenable(asset: "Asset", rules: AccountRules) -> str | None:
    """Why a position in it is neither opened nor enlarged; what is held can be sold."""
    attributes = set(asset.attributes or ())
    if rules.opening:
        return rules.opening
    if _text(asset.exchange) == "OTC":
        return "it is traded over the counter only"
    if "ipo" in attributes:
        return "it takes limit orders only until its first trade (attribute ipo)"
    if "ptp_no_exception" in attributes and rules.partnerships:
        return rules.partnerships
    if _needs_cash(asset) and rules.cash_power is not None and rules.cash_power <= 0:
        return "it takes cash, and there is none (marginable, non_marginable_buying_power)"
    return None


def _margin_factor(asset: "Asset", rules: AccountRules) -> Decimal:
    """How much buying power one dollar of it takes: more than one where less is lent on it than on others."""
    if rules.multiplier <= 1:
        return Decimal(1)
    if _needs_cash(asset):
        power = rules.cash_power
        return rules.multiplier if power is None or power <= 0 else max(Decimal(1), rules.buying_power / power)
    required = asset.maintenance_margin_requirement
    initial = max(INITIAL_MARGIN, Decimal(0) if required is None else exact(required) / 100)
    return max(Decimal(1), rules.multiplier * initial)


def _needs_cash(asset: "Asset") -> bool:
    return not asset.marginable or _is_crypto(asset)


def _is_crypto(asset: "Asset") -> bool:
    return _text(asset.asset_class) == "crypto"


def assets_by_symbol(listed: Iterable[Mapping[str, Any]]) -> "dict[str, Asset | str]":
    """The asset that a ticker means now, or why that can't be told.

    The list holds all that ever was: a ticker is there again for each company that had it. An active asset goes before inactive ones, one of the class that the
    ticker is written like before others, a tradable one before one that is not. Two that are still alike, and one that can't be read, are a text.
    """
    groups: dict[str, dict[str, Asset | str]] = {}
    for i, raw in enumerate(listed):
        symbol = raw.get("symbol") if isinstance(raw, Mapping) else None
        if isinstance(symbol, str):
            groups.setdefault(symbol, {})[str(raw.get("id") or i)] = _read(raw)
    return {symbol: _chosen(symbol, list(found.values())) for symbol, found in groups.items()}


def _read(raw: Mapping[str, Any]) -> "Asset | str":
    from alpaca.trading.models import Asset  # noqa: PLC0415

    try:
        return Asset(**raw)
    except (ValueError, TypeError) as error:
        return f"is an asset that can't be read ({type(error).__name__}): {raw.get('class')}, {raw.get('exchange')}, {raw.get('status')}"


def _chosen(symbol: str, found: "list[Asset | str]") -> "Asset | str":
    ranked = sorted(found, key=lambda asset: _rank(symbol, asset))
    best = _rank(symbol, ranked[0])
    if not isinstance(ranked[0], str) and best[0] == 0 and sum(_rank(symbol, asset) == best for asset in ranked) > 1:
        return "is the ticker of several active assets: it can't be told which is meant"
    return ranked[0]


def _rank(symbol: str, asset: "Asset | str") -> tuple[int, int, int]:
    if isinstance(asset, str):
        return (1, 0, 0)  # it may be the active one: before those that are known not to be
    named = "crypto" if "/" in symbol else "us_equity"
    return (0 if _text(asset.status) == "active" else 2, int(_text(asset.asset_class) != named), int(not asset.tradable))


def _text(value: Any) -> str:
    return str(getattr(value, "value", value))
