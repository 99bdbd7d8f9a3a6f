"""`/universe`: the symbols that may be traded, the most traded first."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, as_percent, word
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled


async def _run(call: GivenCommand) -> Reply:
    most = int(call.arguments.get("most", "20"))
    rows = [row for row in await call.service.every("symbols", 10_000) if row["universe_rank"] is not None]
    rows.sort(key=lambda row: row["universe_rank"])
    cells = [(row["symbol"], amount(row["close"]), as_percent(row["target_weight"]), word(row["focus"])) for row in rows]
    return said(f"Universe: {len(rows)} symbols", table=tabled(("symbol", "close", "target", "focus"), cells, most))


COMMAND = Command(
    name="universe",
    role=PersonRole.VIEWER,
    help="The symbols that may be traded",
    run=_run,
    arguments=(Argument(name="most", help="how many, 20 unless told otherwise", kind="count", required=False, most=100),),
)
