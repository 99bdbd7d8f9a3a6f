"""What a payment service is to a shop: somewhere to pay, and a way to stop paying. What was paid comes by itself, as facts."""

from dataclasses import dataclass
from typing import Protocol

from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan


@dataclass(frozen=True, kw_only=True)
class PaymentOrder:
    """What somebody wants to pay for.

    Attributes
    ----------
    id
        Drawn at random: a service that is asked twice under it opens one checkout.
    """

    id: str
    person: str
    plan: SubscriptionPlan
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Where to pay: a page, or an invoice that the front shows in the chat."""

    order: PaymentOrder
    url: str | None = None
    invoice: bool = False


class PaymentService(Protocol):
    """A payment service."""

    name: str

    def sells(self, plan: SubscriptionPlan, front: str) -> bool:
        """Whether a plan can be paid for by it, by people of a front."""
        ...

    def price(self, plan: SubscriptionPlan) -> tuple[int, str]:
        """Amount and currency, in its smallest unit."""
        ...

    async def checkout(self, order: PaymentOrder) -> Checkout:
        """Open a checkout.

        Raises
        ------
        BotError
            If the service refuses, or can't be reached.
        """
        ...

    async def stop(self, subscription: str) -> bool:
        """Let a subscription end with what is paid; False where the service does not renew by itself.

        Raises
        ------
        BotError
            If the service refuses, or can't be reached.
        """
        ...
