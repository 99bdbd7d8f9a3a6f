"""`/fills`: the newest executions."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, moment
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    rows = await call.service.every("portfolio/fills", 20, symbol=call.arguments.get("symbol"))
    if not rows:
        return said("Fills", "There are none.")
    cells = [(moment(row["at"])[5:], row["side"], row["symbol"], amount(row["quantity"], None), amount(row["price"])) for row in rows]
    return said("Newest fills", "Times in UTC", table=tabled(("at", "", "symbol", "shares", "price"), cells, 20))


COMMAND = Command(
    name="fills",
    role=PersonRole.VIEWER,
    help="The newest executions",
    run=_run,
    arguments=(Argument(name="symbol", help="of one symbol alone", kind="symbol", required=False),),
)
