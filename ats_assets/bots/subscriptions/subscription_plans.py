"""What can be subscribed to: what it costs, for how long, what is seen of it and how soon."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from ats_assets.errors import SettingsError

WITHOUT_PARTS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF", "XTR"}
)
"""Currencies whose smallest unit is the unit itself (Stripe's list of zero-decimal currencies; Telegram's stars are XTR)."""
THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


@dataclass(frozen=True, kw_only=True)
class SubscriptionPlan:
    """One plan.

    Attributes
    ----------
    price, currency
        For a period; a price of zero is free.
    stars
        The price in Telegram's stars; None where it is not sold for them.
    trial_days
        Of a first subscription, once in a person's life; 0 for none.
    delay_minutes
        After publication, until the plan's subscribers get it.
    strategies
        Whose signals it has; none for all.
    rows
        How many of a session's signals it has, the strongest first.
    """

    name: str
    title: str
    price: Decimal
    currency: str
    period: Literal["month", "year"]
    trial_days: int = 0
    delay_minutes: int = 0
    strategies: frozenset[str] = frozenset()
    rows: int = 10
    stars: int | None = None

    @property
    def amount(self) -> int:
        """The price in the currency's smallest unit, as payment services count it.

        Examples
        --------
        >>> SubscriptionPlan(name="a", title="A", price=Decimal("19.50"), currency="EUR", period="month").amount
        1950
        >>> SubscriptionPlan(name="a", title="A", price=Decimal(500), currency="JPY", period="month").amount
        500
        """
        return minor_units(self.price, self.currency)

    @property
    def shown_price(self) -> str:
        """For people to read."""
        if not self.price:
            return "free"
        stars = f" or {self.stars} stars" if self.stars else ""
        return f"{self.price:f} {self.currency}{stars} a {self.period}"

    def after(self, start: datetime) -> datetime:
        """When a period that begins at a moment ends: the same day of the next month or year, or the last that there is.

        Examples
        --------
        >>> monthly = SubscriptionPlan(name="a", title="A", price=Decimal(1), currency="EUR", period="month")
        >>> monthly.after(datetime(2024, 1, 31)).date().isoformat()
        '2024-02-29'
        """
        months = start.month if self.period == "month" else start.month + 11
        year, month = start.year + months // 12, months % 12 + 1
        return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))

    def has(self, strategy: str | None) -> bool:
        """Whether it has the signals of a strategy; what is of none is of all plans."""
        return strategy is None or not self.strategies or strategy in self.strategies

    @property
    def delay(self) -> timedelta:
        """How much later than others its subscribers are told."""
        return timedelta(minutes=self.delay_minutes)


def minor_units(price: Decimal, currency: str) -> int:
    """A price in the smallest unit of its currency.

    Raises
    ------
    SettingsError
        If it is not a whole number of them.
    """
    exponent = 0 if currency in WITHOUT_PARTS else 3 if currency in THOUSANDTHS else 2
    amount = price.scaleb(exponent)
    if amount != amount.to_integral_value() or amount < 0:
        raise SettingsError(f"{price} {currency} is no price: write at most {exponent} decimals, and nothing below zero")
    return int(amount)
