"""`/health`: the state of each part of the system, the worst first."""

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import moment
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    found = await call.service.read("status")
    lines = []
    for one in found["components"]:
        since = f" since {moment(one['since'])}" if one.get("since") else ""
        todo = f". {one['what_to_do']}" if one.get("what_to_do") and one.get("needs_person") else ""
        lines.append(f"{one['name']}: {one['state']}{since}, {one['text']}{todo}")
    return said(f"Health: {found['verdict']}", *lines)


COMMAND = Command(name="health", role=PersonRole.VIEWER, help="The state of each part of the system", run=_run)
