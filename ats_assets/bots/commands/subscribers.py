"""`/subscribers`: how many there are of each plan, what was sent, and when a payment service was last heard of."""

import asyncio
from collections import Counter

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.payments.webhook_server import SEEN
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    found = await asyncio.to_thread(call.shop.subscribers, call.now)
    counted = Counter((one.standing.plan.name, one.standing.state) for one in found if one.standing.plan)
    sent = await asyncio.to_thread(call.queue.counts)
    heard = await asyncio.to_thread(call.store.mark, SEEN)
    lines = [f"Messages: {', '.join(f'{number} {state}' for state, number in sorted(sent.items())) or 'none'}."]
    if "stripe" in call.shop.providers:
        lines.append(
            f"Stripe was last heard of at {str(heard)[:16].replace('T', ' ')} UTC."
            if heard
            else "Stripe was never heard of: is its webhook set?"
        )
    rows = [(plan, state, number) for (plan, state), number in sorted(counted.items())]
    reply = said("Subscribers", *lines)
    return Reply(title=reply.title, lines=reply.lines, table=tabled(("plan", "state", "people"), rows) if rows else None)


COMMAND = Command(
    name="subscribers", role=PersonRole.ADMIN, help="Subscribers by plan, messages, payments heard of", run=_run, of_shop=True, private=True
)
