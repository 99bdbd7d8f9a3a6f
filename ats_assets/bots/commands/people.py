"""`/people`: who is who."""

import asyncio

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    listed = await asyncio.to_thread(call.people.listed)
    rows = [(person.id, "revoked" if revoked else person.role.word, person.name) for person, revoked in listed]
    return said(
        "People", "Roles are given in the settings, [bots.people]; /revoke takes one away.", table=tabled(("id", "role", "name"), rows, 50)
    )


COMMAND = Command(name="people", role=PersonRole.ADMIN, help="Who may use the bots, and as what", run=_run)
