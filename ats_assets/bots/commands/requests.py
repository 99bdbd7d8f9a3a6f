"""`/requests`: what was asked for, and what has become of it."""

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import moment
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said
from ats_assets.bots.sending_requests import outcome_text


async def _run(call: GivenCommand) -> Reply:
    rows = await call.service.every("requests", 10)
    if not rows:
        return said("Requests", "Nothing was asked for.")
    lines = [
        " ".join(
            filter(
                None,
                [
                    moment(row["asked_at"])[5:],
                    row["kind"],
                    row["state"],
                    f"for {row.get('on_behalf_of') or row['asked_by']}",
                    outcome_text(row),
                ],
            )
        )
        for row in rows
    ]
    return said("Requests", *lines)


COMMAND = Command(name="requests", role=PersonRole.VIEWER, help="What was asked for, and what has become of it", run=_run)
