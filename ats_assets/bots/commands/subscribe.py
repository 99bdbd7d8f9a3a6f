"""`/subscribe`: a trial, where there is one and it is the first; otherwise a page or an invoice to pay."""

import asyncio
from datetime import datetime

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, ReplyInvoice, said
from ats_assets.bots.subscriptions.shop import STOPPED
from ats_assets.bots.subscriptions.wording import WARNING

FREE_DAYS = 36_500
"""Of a plan that costs nothing."""


async def _run(call: GivenCommand) -> Reply:
    plan = call.shop.plan(call.arguments["plan"])
    has = await asyncio.to_thread(call.shop.standing, call.person.id, call.now)
    await asyncio.to_thread(call.store.prefer, call.person.id, STOPPED, "on")
    if has.sees and has.plan == plan and has.state != "trial":
        return said("You have it", f"{plan.title} until {_day(has.until)}." if plan.amount else f"{plan.title} is free.")
    if not plan.amount and not plan.stars:
        await asyncio.to_thread(call.shop.give, call.person.id, plan, FREE_DAYS, by="free", now=call.now)
        return said("Subscribed", f"{plan.title} is free. /unsubscribe ends it.", WARNING)
    if plan.trial_days and await asyncio.to_thread(call.shop.begin_trial, call.person.id, plan, call.now):
        until = (await asyncio.to_thread(call.shop.standing, call.person.id, call.now)).until
        return said(
            "Your trial begins",
            f"{plan.title} until {_day(until)}, without paying; it ends by itself. /subscribe {plan.name} again pays for more.",
            WARNING,
        )
    checkout = await call.shop.checkout(call.person.id, plan, call.arguments.get("service"), call.now)
    if checkout.invoice:
        order = checkout.order
        invoice = ReplyInvoice(
            payload=order.id, title=plan.title, text=f"One {plan.period} of {plan.title}.", amount=order.amount, currency=order.currency
        )
        return Reply(title=plan.title, lines=(WARNING,), invoice=invoice)
    return said(plan.title, f"{plan.shown_price}. Pay here, on the payment service's own page:", checkout.url or "", WARNING)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"


COMMAND = Command(
    name="subscribe",
    role=PersonRole.PUBLIC,
    help="Take a plan: a trial if it has one, else pay",
    run=_run,
    arguments=(
        Argument(name="plan", help="as /plans lists them", kind="id"),
        Argument(
            name="service", help="by which to pay, where there are several", kind="choice", choices=("stripe", "telegram"), required=False
        ),
    ),
    of_shop=True,
    private=True,
)
