"""`/revoke`: take somebody's role away at once. Only the command line gives it back: whoever has the chat account of an admin can lock out, and let in nobody."""

import asyncio

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PERSON, PersonRole
from ats_assets.bots.reply import Reply, said
from ats_assets.errors import BotError


async def _run(call: GivenCommand) -> Reply:
    id_ = call.arguments["person"]
    if not PERSON.fullmatch(id_):
        raise BotError(f"{id_!r} is nobody's id: write it as /people does, such as telegram:123456789")
    if id_ == call.person.id:
        raise BotError("you can't revoke yourself: ask another admin, or use ats bots people")
    new = await asyncio.to_thread(call.people.revoke, id_, by=call.person.id, now=call.now)
    if not new:
        return said("Revoked before", f"{id_} has had no role since then.")
    return said("Revoked", f"{id_} is nobody from now on, open confirmations included.", f"To undo it: ats bots people restore {id_}")


COMMAND = Command(
    name="revoke",
    role=PersonRole.ADMIN,
    help="Take somebody's role away, at once",
    run=_run,
    arguments=(Argument(name="person", help="as /people lists them", kind="id"),),
)
