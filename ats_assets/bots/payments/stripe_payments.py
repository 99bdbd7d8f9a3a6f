"""Stripe: checkout pages for subscriptions, and what its webhooks tell.

A checkout is opened under the order's id as idempotency key. Person, plan and order travel in the metadata of the subscription, from where each of its invoices carries them. Amounts are
those of the plan at that time; Stripe asks for the next payment by itself.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ats_assets.bots.people import PERSON
from ats_assets.bots.subscriptions.payment_facts import PaymentFact
from ats_assets.bots.subscriptions.payment_service import Checkout, PaymentOrder
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan
from ats_assets.errors import BotError, WebhookRefusedError
from ats_assets.secrecy import redacted

logger = logging.getLogger(__name__)

TOLERANCE_SECONDS = 300
"""Between the time of a signature and ours: an older message is a replay of somebody who listened."""


class StripePayments:
    """Stripe.

    Parameters
    ----------
    key
        Secret API key.
    success_url, cancel_url
        Where a person comes to after the checkout.
    api_base
        Stripe's, or a double's.
    """

    name = "stripe"

    def __init__(self, key: str, *, success_url: str, cancel_url: str, api_base: str | None = None) -> None:
        import stripe  # noqa: PLC0415 - a library of the extra

        self._stripe = stripe
        self._client = stripe.StripeClient(key, base_addresses={"api": api_base} if api_base else None, max_network_retries=2)
        self._urls = {"success_url": success_url, "cancel_url": cancel_url}

    def sells(self, plan: SubscriptionPlan, front: str) -> bool:  # noqa: ARG002 - on every front
        """Every plan that costs something."""
        return plan.amount > 0

    def price(self, plan: SubscriptionPlan) -> tuple[int, str]:
        """The plan's own."""
        return plan.amount, plan.currency

    async def checkout(self, order: PaymentOrder) -> Checkout:
        """A page of Stripe's."""
        marks = {"person": order.person, "plan": order.plan.name, "order": order.id}
        item = {
            "quantity": 1,
            "price_data": {
                "currency": order.currency.lower(),
                "unit_amount": order.amount,
                "recurring": {"interval": order.plan.period},
                "product_data": {"name": order.plan.title},
            },
        }
        asked: Any = {
            "mode": "subscription",
            "line_items": [item],
            "client_reference_id": order.id,
            "metadata": marks,
            "subscription_data": {"metadata": marks},
            **self._urls,
        }
        session = await self._call(lambda: self._client.v1.checkout.sessions.create(params=asked, options={"idempotency_key": order.id}))
        if not session.url:
            raise BotError("Stripe gave no page to pay at: try again in a minute")
        return Checkout(order=order, url=session.url)

    async def stop(self, subscription: str) -> bool:
        """Let it end with the period that is paid."""
        await self._call(lambda: self._client.v1.subscriptions.update(subscription, params={"cancel_at_period_end": True}))
        return True

    async def _call(self, call: Any) -> Any:
        try:
            return await asyncio.to_thread(call)
        except self._stripe.StripeError as error:
            logger.warning("Stripe: %s: %s", type(error).__name__, redacted(str(error))[:300])
            raise BotError("Stripe can't be reached, or refuses: try again in a minute") from None


def checked_event(payload: bytes, signature: str | None, secrets: Sequence[str]) -> Mapping[str, Any]:
    """What a webhook says, once its signature is that of one of our secrets: two while one takes the place of the other.

    Raises
    ------
    WebhookRefusedError
        If none signed it, the signature is too old, or it is no event.
    """
    import stripe  # noqa: PLC0415 - a library of the extra

    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(payload, signature, secret, TOLERANCE_SECONDS)
            break
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
    else:
        raise WebhookRefusedError("the signature is not one of this webhook's secrets, or is older than five minutes")
    event: Any = None
    try:
        event = json.loads(payload)
        whole = isinstance(event["id"], str) and isinstance(event["type"], str) and isinstance(event["data"]["object"], dict)
        whole = whole and isinstance(event["created"], int)
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise WebhookRefusedError("the content is no event of Stripe's")
    return event


def facts_of_event(event: Mapping[str, Any], known: Mapping[str, tuple[str, str]]) -> PaymentFact | None:
    """The fact that an event tells; None where it tells of nothing that matters here, or of somebody who is not known.

    Parameters
    ----------
    known
        Person and plan by Stripe's ids of subscriptions and customers, for events that give these alone.
    """
    kind, what = event["type"], event["data"]["object"]
    at = datetime.fromtimestamp(int(event["created"]), UTC)
    of = _Told(what)
    person, plan = of.marks(known)
    if not PERSON.fullmatch(person):
        person = plan = ""
    if not person and not (kind == "charge.refunded" and of.customer):  # a refund gives no more, and may come before what it refunds
        return None
    common: dict[str, Any] = {
        "provider": "stripe",
        "person": person,
        "plan": plan,
        "at": at,
        "subscription": of.subscription,
        "customer": of.customer,
    }
    if kind == "invoice.paid" and of.number("amount_paid") >= 0:
        since, until = of.period()
        amount = {"amount": of.number("amount_paid"), "currency": of.currency}
        return PaymentFact(id=_once(event, what), kind="paid", covers_from=since, covers_until=until, **amount, **common)
    if kind == "invoice.payment_failed":
        return PaymentFact(id=event["id"], kind="failed", amount=of.number("amount_due"), currency=of.currency, **common)
    if kind == "customer.subscription.deleted":
        ended = what.get("ended_at") or what.get("canceled_at") or event["created"]
        return PaymentFact(
            id=event["id"],
            kind="ended",
            **{**common, "at": datetime.fromtimestamp(int(ended), UTC), "subscription": str(what.get("id", ""))},
        )
    if kind == "charge.refunded" and what.get("refunded"):
        return PaymentFact(id=event["id"], kind="refunded", amount=of.number("amount_refunded"), currency=of.currency, **common)
    return None


def _once(event: Mapping[str, Any], invoice: Mapping[str, Any]) -> str:
    """The invoice's own id: Stripe may tell of one payment by two events (`invoice.paid` of two endpoints, or of a replay by hand)."""
    return str(invoice.get("id") or event["id"])


class _Told:
    """The object of an event, whose fields have moved between versions of Stripe's API."""

    def __init__(self, what: Mapping[str, Any]) -> None:
        self._what = what
        self._details = (what.get("parent") or {}).get("subscription_details") or what.get("subscription_details") or {}

    @property
    def subscription(self) -> str:
        """Its subscription's id."""
        return _id(self._details.get("subscription") or self._what.get("subscription"))

    @property
    def customer(self) -> str:
        """Its customer's id."""
        return _id(self._what.get("customer"))

    @property
    def currency(self) -> str:
        """In capitals."""
        return str(self._what.get("currency") or "").upper()

    def number(self, name: str) -> int:
        """A whole number; -1 where it is none."""
        value = self._what.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else -1

    def marks(self, known: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
        """Person and plan: of its metadata, else of those known by Stripe's ids."""
        for marks in (self._details.get("metadata"), self._what.get("metadata"), *(line.get("metadata") for line in self._lines())):
            if marks and marks.get("person") and marks.get("plan"):
                return str(marks["person"]), str(marks["plan"])
        for id_ in (self.subscription, _id(self._what.get("id")), self.customer):
            if id_ in known:
                return known[id_]
        return "", ""

    def period(self) -> tuple[datetime | None, datetime | None]:
        """For which time an invoice is: the latest of its lines'."""
        periods = [line["period"] for line in self._lines() if isinstance(line.get("period"), dict) and line["period"].get("end")]
        if not periods:
            return None, None
        last = max(periods, key=lambda period: period["end"])
        return datetime.fromtimestamp(int(last["start"]), UTC), datetime.fromtimestamp(int(last["end"]), UTC)

    def _lines(self) -> list[Mapping[str, Any]]:
        return list((self._what.get("lines") or {}).get("data") or [])


def _id(value: object) -> str:
    """An id, or that of an expanded object."""
    return str(value.get("id") or "") if isinstance(value, Mapping) else str(value or "")
