"""What a strategy of options holds, and every row that made it so.

Money is in decimal numbers, each flow to the cent. Whatever changes cash, contracts or shares is one row, `CashFlow`, so that the rows alone rebuild the book: the sum of `cash` is the
cash, the sum of `quantity` of a contract is what is held of it, and the sum of `shares` of an underlying what is held of that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ats_assets.errors import OptionError
from ats_assets.option_strategies.book.book_entries import CashFlow, ClosedPosition, OptionPosition, ShareHolding, to_cent
from ats_assets.option_strategies.fills import ZERO, LegFill
from ats_assets.option_strategies.option_strategy import Decision, HeldOption
from ats_assets.options.contract import OptionContract


@dataclass(kw_only=True)
class OptionBook:
    """The book of one strategy.

    Examples
    --------
    >>> book = OptionBook.opened("wheel", Decimal(50_000), date(2024, 1, 2))
    >>> book.cash, book.flows[0].kind, book.equity
    (Decimal('50000.00'), 'deposit', Decimal('50000.00'))
    """

    strategy: str
    cash: Decimal = ZERO
    options: dict[OptionContract, OptionPosition] = field(default_factory=dict)
    shares: dict[str, ShareHolding] = field(default_factory=dict)
    flows: list[CashFlow] = field(default_factory=list)
    closed: list[ClosedPosition] = field(default_factory=list)

    @classmethod
    def opened(cls, strategy: str, capital: Decimal, session: date) -> "OptionBook":
        """A book with nothing but cash."""
        book = cls(strategy=strategy)
        book.record(session, "deposit", None, cash=capital, detail="capital of the strategy")
        return book

    @property
    def equity(self) -> Decimal:
        """Cash and what is held at its last marks."""
        return self.cash + sum((one.value for one in self.options.values()), ZERO) + sum((one.value for one in self.shares.values()), ZERO)

    def shares_of(self, underlying: str) -> Decimal:
        """How many are held; negative for short."""
        held = self.shares.get(underlying)
        return ZERO if held is None else held.quantity

    def held(self) -> tuple[HeldOption, ...]:
        """What a strategy is told of the contracts, sorted by contract."""
        names = ("contract", "quantity", "multiplier", "opened_session", "average_price", "tag", "style")
        return tuple(HeldOption(**{name: getattr(one, name) for name in names}) for _, one in sorted(self.options.items()))

    def underlyings(self) -> Iterator[str]:
        """Those of which contracts or shares are held, each once, sorted."""
        yield from sorted({one.underlying for one in self.options.values()} | self.shares.keys())

    def record(
        self,
        session: date,
        kind: str,
        underlying: str | None,
        *,
        contract: OptionContract | None = None,
        quantity: int = 0,
        shares: Decimal = ZERO,
        price: Decimal | None = None,
        cash: Decimal = ZERO,
        detail: str = "",
    ) -> None:
        """Add a row, and its cash to the balance; what is held is changed by `change_option` and `change_shares`."""
        cash = to_cent(cash)
        self.cash += cash
        self.flows.append(
            CashFlow(
                session=session,
                strategy=self.strategy,
                kind=kind,
                underlying=underlying,
                contract=None if contract is None else contract.symbol,
                quantity=quantity,
                shares=shares,
                price=price,
                cash=cash,
                balance=self.cash,
                detail=detail,
            )
        )

    def gone(self, decision: Decision) -> str | None:
        """What a decision would close or exercise and the book does not hold, in words; None where it holds all of it."""
        for leg in decision.legs:
            if leg.open_or_close != "close":
                continue
            if leg.contract is None:
                have, name = self.shares_of(decision.underlying), f"shares of {decision.underlying}"
            else:
                position = self.options.get(leg.contract)
                have, name = Decimal(0 if position is None else position.quantity), leg.contract.symbol
            if have * leg.quantity >= 0 or abs(have) < abs(leg.quantity):
                return f"{-leg.quantity} of {name} were to be closed, {have} are held"
        return None

    def apply_fills(self, session: date, fills: tuple[LegFill, ...], *, rule: str = "", detail: str = "") -> None:
        """Trade the legs of one decision; `rule` becomes the tag of what is opened."""
        for fill in fills:
            if fill.contract is None:
                self.record(
                    session, "shares", fill.underlying, shares=Decimal(fill.quantity), price=fill.price, cash=fill.cash, detail=detail
                )
                self.change_shares(fill.underlying, Decimal(fill.quantity), fill.price)
                continue
            self.record(
                session,
                "premium",
                fill.underlying,
                contract=fill.contract,
                quantity=fill.quantity,
                price=fill.price,
                cash=fill.cash,
                detail=detail,
            )
            if fill.fee:
                self.record(session, "fee", fill.underlying, contract=fill.contract, cash=-fill.fee, detail=detail)
            self._trade_option(session, fill, rule)

    def _trade_option(self, session: date, fill: LegFill, rule: str) -> None:
        assert fill.contract is not None
        position = self.options.get(fill.contract)
        left = fill.quantity
        if position is not None and position.quantity * left < 0:
            closing = min(abs(left), abs(position.quantity)) * (1 if left > 0 else -1)
            self.reduce(session, fill.contract, closing, fill.price, "traded")
            left -= closing
            position = self.options.get(fill.contract)
        if not left:
            return
        if position is None:
            self.options[fill.contract] = OptionPosition(
                contract=fill.contract,
                underlying=fill.underlying,
                quantity=left,
                multiplier=fill.multiplier,
                style=fill.style,
                opened_session=session,
                average_price=fill.price,
                tag=rule,
                mark=fill.price,
            )
            return
        if position.multiplier != fill.multiplier:
            raise OptionError(f"{fill.contract}: held with a multiplier of {position.multiplier}, traded with one of {fill.multiplier}")
        total = position.quantity + left
        position.average_price = (position.quantity * position.average_price + left * fill.price) / total
        position.quantity = total

    def reduce(self, session: date, contract: OptionContract, change: int, price: Decimal, how: str) -> OptionPosition:
        """Take contracts off a position (`change` has the other sign), at a price for one share; it writes no row of cash."""
        position = self.options[contract]
        closed = -change
        gained = closed * position.multiplier * (price - position.average_price)
        self.closed.append(
            ClosedPosition(
                session=session,
                strategy=self.strategy,
                underlying=position.underlying,
                contract=contract.symbol,
                quantity=closed,
                multiplier=position.multiplier,
                opened_session=position.opened_session,
                open_price=position.average_price,
                close_price=price,
                how=how,
                tag=position.tag,
                pnl=to_cent(gained),
            )
        )
        position.quantity += change
        if not position.quantity:
            del self.options[contract]
        return position

    def change_shares(self, underlying: str, change: Decimal, price: Decimal) -> None:
        """Add or take off shares at a price each; it writes no row of cash."""
        held = self.shares.setdefault(underlying, ShareHolding(quantity=ZERO, cost=ZERO, spot=price))
        before, after = held.quantity, held.quantity + change
        if before * change >= 0:
            held.cost += change * price
        elif before * after >= 0:  # a part is closed, at average cost
            held.cost = held.cost * after / before
        else:
            held.cost = after * price
        held.quantity = after
        if not after:
            del self.shares[underlying]
