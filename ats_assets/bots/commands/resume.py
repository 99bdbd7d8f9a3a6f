"""`/resume`: end the halts, confirmed twice. What still differs from the broker's records halts again."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.confirmations import Proposal
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply


async def _run(call: GivenCommand) -> Reply:
    note = call.arguments["note"]
    summary = (
        "End the halts that stand now, so that trading goes on.",
        "The kill switch is a file: only its removal ends that one.",
        f"Note: {note}",
    )
    return await call.propose(Proposal(kind="resume", body={"note": note}, summary=summary, steps=COMMAND.confirmed))


COMMAND = Command(
    name="resume",
    role=PersonRole.TRADER,
    help="Go on with trading after a halt",
    run=_run,
    arguments=(Argument(name="note", help="what was found and mended, for the audit trail", kind="text"),),
    confirmed=2,
)
