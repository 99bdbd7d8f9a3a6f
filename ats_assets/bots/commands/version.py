"""`/version`: of the bots, and whether the service answers."""

import importlib.metadata

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    me = await call.service.read("me")
    name, role = me.get("name") or "no key", me.get("role")
    return said(
        "Version", f"ats-assets {importlib.metadata.version('ats-assets')}", f"The service knows the bots as {name}, with the role {role}."
    )


COMMAND = Command(name="version", role=PersonRole.VIEWER, help="The version, and how the service knows the bots", run=_run)
