"""`/alerts`: whether whoever asks is told of alerts in private, and the newest ones."""

import asyncio

from ats_assets.bots.alert_feed import PREFERENCE, alert_key
from ats_assets.bots.arguments import Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import moment, word
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    wanted = call.arguments.get("switch")
    if wanted:
        least = call.arguments.get("severity", "info")
        await asyncio.to_thread(call.store.prefer, call.person.id, PREFERENCE, least if wanted == "on" else "off")
        if wanted == "off":
            return said("Alerts are off", "Nobody else's are changed.")
        return said("Alerts are on", f"You are told in private of those of severity {least} and above.")
    mine = await asyncio.to_thread(call.store.preference, call.person.id, PREFERENCE) or "off"
    rows = {alert_key(row): row for row in await call.service.every("alerts", 30)}
    lines = [f"{moment(row.get('at'))[5:]} {word(row.get('severity'))}: {word(row.get('title'))}" for row in list(rows.values())[:10]]
    return said("Alerts", f"Yours are {mine if mine == 'off' else f'on, from {mine}'}: /alerts on, /alerts off.", *lines)


COMMAND = Command(
    name="alerts",
    role=PersonRole.VIEWER,
    help="The newest alerts; on or off switches yours",
    run=_run,
    arguments=(
        Argument(
            name="switch",
            help="on: you are told of alerts in private; off: you are not",
            kind="choice",
            choices=("on", "off"),
            required=False,
        ),
        Argument(
            name="severity", help="the least that you are told of", kind="choice", choices=("info", "warning", "critical"), required=False
        ),
    ),
)
