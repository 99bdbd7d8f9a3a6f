"""`/audit`: the newest lines of the bots' own audit trail."""

import asyncio

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    rows = await asyncio.to_thread(call.store.audited, int(call.arguments.get("lines", "15")))
    lines = [f"{row['at']:%m-%d %H:%M:%S} {row['person']} {row['what']} {row['text']}".rstrip() for row in rows]
    return said("Audit", *(lines or ["Nothing yet."]))


COMMAND = Command(
    name="audit",
    role=PersonRole.ADMIN,
    help="What was asked, confirmed, refused and revoked here",
    run=_run,
    arguments=(Argument(name="lines", help="how many, 15 unless told otherwise", kind="count", required=False, most=50),),
)
