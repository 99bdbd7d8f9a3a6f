"""`/help`: the commands that whoever asks may give."""

from ats_assets.bots.arguments import Argument
from ats_assets.bots.catalogue import commands_there
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said
from ats_assets.errors import BotError


async def _run(call: GivenCommand) -> Reply:
    mine = {
        name: command for name, command in commands_there(call.catalogue, plans=call.shop.is_open).items() if call.person.may(command.role)
    }
    asked = call.arguments.get("command", "").removeprefix("/").lower()
    if not asked:
        return said("Commands", *(f"{command.synopsis} - {command.help}" for command in mine.values()))
    command = next((one for one in mine.values() if asked == one.name or asked in (one.aliases or {})), None)
    if command is None:
        raise BotError("there is no such command: /help lists yours.")
    lines = [command.help, *(f"{argument.shown}: {argument.help}" for argument in command.arguments)]
    if command.aliases:
        lines.append(f"Also: {', '.join(f'/{alias}' for alias in command.aliases)}")
    if command.confirmed:
        lines.append(f"Confirmed {'once' if command.confirmed == 1 else 'twice'} before anything is done.")
    return said(command.synopsis, *lines, f"For {command.role.word}s.")


COMMAND = Command(
    name="help",
    role=PersonRole.PUBLIC,
    help="The commands that you may give",
    run=_run,
    arguments=(Argument(name="command", help="one of them, for its arguments", kind="text", required=False),),
    aliases={"start": {}},
)
