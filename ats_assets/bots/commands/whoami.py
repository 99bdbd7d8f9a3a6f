"""`/whoami`: how the bot knows whoever asks."""

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    return said(call.person.name, f"You are {call.person.id}, with the role {call.person.role.word}.", f"This is {call.place}.")


COMMAND = Command(name="whoami", role=PersonRole.VIEWER, help="Your id, your role, and the id of this chat", run=_run)
