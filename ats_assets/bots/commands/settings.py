"""`/settings`: a section of the current settings; secrets are hidden. They are changed in files, not here."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    section = call.arguments.get("section")
    rows = (await call.service.read("settings", section=section))["data"]
    if section is None:
        rows = [row for row in rows if row["comes_from"] != "default"]
    lines = [f"{row['name']} = {row['value']}" + ("" if row["comes_from"] == "default" else f" ({row['comes_from']})") for row in rows]
    return said(f"Settings of {section}" if section else "Settings that are no defaults", *(lines or ["All are defaults."]))


COMMAND = Command(
    name="settings",
    role=PersonRole.ADMIN,
    help="The current settings, of a section or all that are no defaults",
    run=_run,
    arguments=(Argument(name="section", help="such as orders", kind="id", required=False),),
)
