"""`/cancel`: ask for one order to be cancelled, once it is confirmed."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.confirmations import Proposal
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply


async def _run(call: GivenCommand) -> Reply:
    order = call.arguments["order"]
    return await call.propose(Proposal(kind="cancel_order", body={"client_order_id": order}, summary=(f"Cancel the order {order}.",)))


COMMAND = Command(
    name="cancel",
    role=PersonRole.TRADER,
    help="Ask for an order to be cancelled",
    run=_run,
    arguments=(Argument(name="order", help="its id, as /orders lists them", kind="id"),),
    confirmed=1,
)
