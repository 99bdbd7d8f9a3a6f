"""`/give`: let somebody have a plan for some days without paying."""

import asyncio

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PERSON, PersonRole
from ats_assets.bots.reply import Reply
from ats_assets.bots.subscriptions.wording import standing_reply
from ats_assets.errors import BotError


async def _run(call: GivenCommand) -> Reply:
    person, plan = call.arguments["person"], call.shop.plan(call.arguments["plan"])
    if not PERSON.fullmatch(person):
        raise BotError(f"{person[:40]!r} is nobody: write such as telegram:123456789")
    await asyncio.to_thread(call.shop.give, person, plan, int(call.arguments["days"]), by=call.person.id, now=call.now)
    reply = standing_reply(await asyncio.to_thread(call.shop.standing, person, call.now))
    return reply.with_lines(f"This is {person}'s.")


COMMAND = Command(
    name="give",
    role=PersonRole.ADMIN,
    help="Let somebody have a plan without paying",
    run=_run,
    arguments=(
        Argument(name="person", help="such as telegram:123456789", kind="id"),
        Argument(name="plan", help="as /plans lists them", kind="id"),
        Argument(name="days", help="for how long", kind="count", most=3660),
    ),
    of_shop=True,
    private=True,
)
