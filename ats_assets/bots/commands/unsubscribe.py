"""`/unsubscribe`: nothing more is sent, and nothing more is paid; what is paid lasts until its end."""

import asyncio

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said
from ats_assets.bots.subscriptions.shop import STOPPED


async def _run(call: GivenCommand) -> Reply:
    has = await call.shop.stop(call.person.id, call.now)
    await asyncio.to_thread(call.store.prefer, call.person.id, STOPPED, "off")
    await asyncio.to_thread(call.store.note, call.now, call.person.id, call.place, "unsubscribed")
    paid = (
        (f"What is paid is yours until {has.until:%Y-%m-%d}: /subscribe {has.plan.name} lets messages come again.",)
        if has.sees and has.plan and has.until
        else ()
    )
    return said("Unsubscribed", "Nothing more is sent, and no service asks for money again.", *paid)


COMMAND = Command(
    name="unsubscribe", role=PersonRole.PUBLIC, help="End your subscription with what is paid", run=_run, of_shop=True, private=True
)
