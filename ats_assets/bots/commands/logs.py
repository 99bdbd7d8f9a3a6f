"""`/logs`: the newest lines of the bots' own log, without secrets."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.recent_log import recent_lines
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    lines = recent_lines(int(call.arguments.get("lines", "20")))
    return said("Log of the bots", *(lines or ["Nothing yet."]))


COMMAND = Command(
    name="logs",
    role=PersonRole.ADMIN,
    help="The newest lines of the bots' log",
    run=_run,
    arguments=(Argument(name="lines", help="how many, 20 unless told otherwise", kind="count", required=False, most=50),),
)
