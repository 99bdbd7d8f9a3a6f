"""`/orders`: those that may still be filled, or the newest of all."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, word
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    which = call.arguments.get("which", "open")
    rows = await call.service.every("portfolio/orders", 15, state="open" if which == "open" else None)
    if not rows:
        return said("Orders", "None is open." if which == "open" else "There are none.")
    lines = [
        f"{row['side']} {amount(row['quantity'], None)} {row['symbol']}: {row['state']}"
        + (f", {word(row['reason'])}" if row.get("reason") else "")
        + f"\n  {row['client_order_id']}"
        for row in rows
    ]
    return said("Open orders" if which == "open" else "Newest orders", *lines)


COMMAND = Command(
    name="orders",
    role=PersonRole.VIEWER,
    help="Open orders, or the newest of all, with their ids",
    run=_run,
    arguments=(Argument(name="which", help="open, unless told otherwise", kind="choice", choices=("open", "all"), required=False),),
)
