"""`/subscription`: what whoever asks has, and until when."""

import asyncio

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply
from ats_assets.bots.subscriptions.wording import standing_reply


async def _run(call: GivenCommand) -> Reply:
    return standing_reply(await asyncio.to_thread(call.shop.standing, call.person.id, call.now))


COMMAND = Command(name="subscription", role=PersonRole.PUBLIC, help="What you have, and until when", run=_run, of_shop=True, private=True)
