"""`/exposure`: how much is at stake, and how concentrated it is."""

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, as_percent
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    found = await call.service.read("portfolio/exposure")
    lines = [
        f"{found['positions']} positions, as concentrated as {found['effective_positions']:.1f} equal ones",
        f"Long {as_percent(found['long'])}, short {as_percent(found['short'])}: gross {as_percent(found['gross'])}, net {as_percent(found['net'])}",
        f"Cash {as_percent(found['cash_share'])} of {amount(found['equity'])}",
    ]
    if found["without_price"]:
        lines.append(f"{found['without_price']} positions have no price, and are in none of these shares.")
    rows = [(one["symbol"], as_percent(one["weight"])) for one in found["largest"]]
    return said("Exposure", *lines, table=tabled(("largest", "weight"), rows, 10) if rows else None)


COMMAND = Command(
    name="exposure", role=PersonRole.VIEWER, help="How much is at stake, and how concentrated", run=_run, aliases={"count": {}}
)
