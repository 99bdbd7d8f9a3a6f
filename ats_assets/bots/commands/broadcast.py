"""`/broadcast`: a message to all subscribers, shown first, and sent once its code is given back."""

import asyncio
import secrets
from datetime import datetime, timedelta

from ats_assets.bots.arguments import Argument
from ats_assets.bots.broadcasting.delivery_queue import News
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said
from ats_assets.errors import BotError

LASTS = timedelta(minutes=10)
"""A text that was shown and not sent."""
WORD = "send"


async def _run(call: GivenCommand) -> Reply:
    text = call.arguments["text"].strip()
    first, _, code = text.partition(" ")
    if first.lower() == WORD and code.strip().isalnum():
        return await _send(call, code.strip())
    people = await asyncio.to_thread(call.shop.subscribers, call.now)
    code = secrets.token_hex(4)
    await asyncio.to_thread(call.store.set_mark, _mark(call), {"text": text, "code": code, "at": call.now.isoformat()})
    return said("This would be sent", text, f"To {len(people)} people. /broadcast {WORD} {code} sends it, within ten minutes.")


async def _send(call: GivenCommand, code: str) -> Reply:
    draft = await asyncio.to_thread(call.store.mark, _mark(call))
    if not draft or not secrets.compare_digest(str(draft["code"]), code) or call.now - datetime.fromisoformat(draft["at"]) > LASTS:
        raise BotError("That code is not one of yours, or is too old: give /broadcast and the text again.")
    people = await asyncio.to_thread(call.shop.subscribers, call.now)
    news = News(key=f"broadcast:{call.person.id}:{code}", title="From the desk", lines=(draft["text"],))
    number = await asyncio.to_thread(call.queue.publish, news, people, call.now)
    await asyncio.to_thread(call.store.note, call.now, call.person.id, call.place, "broadcast", draft["text"])
    return said("On its way", f"To {number} people, each once." if number else "It was sent before, or nobody is subscribed.")


def _mark(call: GivenCommand) -> str:
    return f"draft of {call.person.id}"


COMMAND = Command(
    name="broadcast",
    role=PersonRole.ADMIN,
    help="Write to all subscribers; shown first",
    run=_run,
    arguments=(Argument(name="text", help="what to say; `send CODE` sends what was shown", kind="text"),),
    of_shop=True,
    private=True,
)
