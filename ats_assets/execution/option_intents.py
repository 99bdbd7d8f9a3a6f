"""Orders for option contracts: made of legs, in their simplest form, under ids that follow from the decision."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import gcd

from ats_assets.errors import AtsError
from ats_assets.execution.contract_legs import ContractLeg, is_contract, package_symbol
from ats_assets.execution.order import Leg, OrderIntent, OrderKind, Side, client_order_id


def option_intent(
    session: date,
    strategy: str,
    book: str,
    legs: Sequence[ContractLeg],
    *,
    decision_price: Decimal,
    limit_price: Decimal | None = None,
    rule: str = "",
    place: int = 0,
    number: int = 1,
) -> OrderIntent:
    """An order for contracts, for the day after `session`: all its legs or none.

    Parameters
    ----------
    strategy
        Of the account (`orders.strategy`), with which the id begins.
    book
        The strategy of options that has decided it.
    legs
        With the contracts that are wanted in all; what the numbers of contracts have in common becomes the order's quantity.
    decision_price, limit_price
        Net of all legs for one share of one unit in its simplest form, positive where it is paid; without a limit at the market.
    rule, place
        By which the book has decided it, and as which of its decisions of the session: in this order they are traded where that matters.
    number
        Of several orders of one book for the same legs in one session, which one.

    Raises
    ------
    AtsError
        If there is no leg, one is of nothing, or two are of one symbol.

    Examples
    --------
    >>> put = ContractLeg("AAPL140621P00640000", -2, opens=True)
    >>> made = option_intent(date(2014, 6, 5), "main", "wheel", [put], decision_price=Decimal("6.65"), limit_price=Decimal("6.60"))
    >>> made.client_order_id, str(made.side), int(made.quantity), made.legs[0].ratio
    ('main-20140605-wheel-AAPL140621P00640000-open', 'sell', 2, -1)
    """
    if not legs or any(one.ratio == 0 for one in legs) or len({one.symbol for one in legs}) < len(legs):
        raise AtsError(f"{book}: an order needs legs of different contracts, each for one or more: {[str(one) for one in legs]}")
    units = gcd(*([one.ratio for one in legs if is_contract(one.symbol)] or [one.ratio for one in legs]))
    if any(one.ratio % units for one in legs):
        units = gcd(*(one.ratio for one in legs))  # shares that are no multiple of the contracts: one unit has more of them
    simplest = tuple(replace(one, ratio=one.ratio // units) for one in sorted(legs))
    symbol = package_symbol((one.symbol, one.ratio) for one in simplest)
    leg = Leg.OPEN if any(one.opens for one in legs) else Leg.CLOSE
    return OrderIntent(
        client_order_id=client_order_id(session, strategy, f"{book}-{symbol}", leg, number),
        session=session,
        strategy=strategy,
        symbol=symbol,
        side=Side.SELL if len(simplest) == 1 and simplest[0].ratio < 0 else Side.BUY,
        leg=leg,
        quantity=Decimal(units),
        kind=OrderKind.OPTION,
        decision_price=decision_price,
        limit_price=limit_price,
        legs=simplest,
        book=book,
        rule=rule,
        place=place,
    )
