"""`/balance`: cash, equity, and what stops trading."""

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, moment, stops
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    found = await call.service.read("portfolio/account")
    rows = (("equity", "equity"), ("cash", "cash"), ("buying power", "buying_power"))
    lines = [f"{name}: {amount(found[field])}" for name, field in rows]
    return said(f"Account at {found['broker']}", *lines, *stops(found), f"At {moment(found['at'])} UTC")


COMMAND = Command(name="balance", role=PersonRole.VIEWER, help="Cash, equity, and what stops trading", run=_run)
