"""`/status`: what a trader looks at first: the account, what stops trading, the newest signals, and what needs a person."""

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, as_percent, stops, word
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said
from ats_assets.errors import ServiceRefusedError


async def _run(call: GivenCommand) -> Reply:
    found = await call.service.read("status")
    lines = [f"System: {word(found.get('verdict'))}"]
    try:
        account = await call.service.read("portfolio/account")
        positions = await call.service.read("portfolio/positions")
        exposure = await call.service.read("portfolio/exposure")
        halted = stops(account)
        lines += halted or ["Trading: not stopped"]
        lines.append(f"Equity {amount(account['equity'])}, cash {amount(account['cash'])}, at the close of {word(account['session'])}")
        lines.append(
            f"{len(positions['data'])} positions, {as_percent(exposure['gross'], 0)} of equity gross, {as_percent(exposure['net'], 0)} net"
        )
    except ServiceRefusedError as error:
        lines.append(f"Account: {error}")
    try:
        signals = await call.service.read("signals", limit=1)
        lines.append(f"Signals of {signals['session']}, for the open of {signals['for_open_of']}")
    except ServiceRefusedError as error:
        lines.append(f"Signals: {error}")
    lines += [f"{one['name']}: {one['state']}, {one['text']}" for one in found["components"] if one.get("needs_person")]
    return said("Status", *lines)


COMMAND = Command(
    name="status", role=PersonRole.VIEWER, help="The account, what stops trading, and what needs a person", run=_run, aliases={"show": {}}
)
