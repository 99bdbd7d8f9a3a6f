"""`/pause`: stop all trading until somebody resumes it; confirmed twice. What is open at the broker stays open."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.confirmations import Proposal
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply


async def _run(call: GivenCommand) -> Reply:
    reason = call.arguments.get("reason", f"asked for by {call.person.name}")
    summary = (
        "Stop all trading before the next order, until somebody resumes it.",
        "Open orders stay: /cancel is for those.",
        f"Reason: {reason}",
    )
    return await call.propose(Proposal(kind="halt", body={"reason": reason}, summary=summary, steps=COMMAND.confirmed))


COMMAND = Command(
    name="pause",
    role=PersonRole.TRADER,
    help="Stop all trading until it is resumed",
    run=_run,
    arguments=(Argument(name="reason", help="for whoever resumes it", kind="text", required=False),),
    confirmed=2,
    aliases={"halt": {}, "stop": {}},
)
