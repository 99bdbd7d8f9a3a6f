"""`/models`: what predicts, how well, and whose predictions are traded."""

from collections.abc import Mapping
from typing import Any

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import word
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said


async def _run(call: GivenCommand) -> Reply:
    rows = (await call.service.read("models"))["data"]
    return said("Models", *(line for row in rows for line in _lines(row)))


def _lines(row: Mapping[str, Any]) -> list[str]:
    fitted = f"fitted at {row['fitted_session']}, {row['age_sessions']} sessions ago" if row["fitted_session"] else word(row["status"])
    skill = row["rank_ic"] if row["rank_ic"] is not None else row["validation_rank_ic"]
    judged = "" if skill is None else f", rank IC {skill:.3f} {'out of sample' if row['rank_ic'] is not None else 'in validation'}"
    traded = "is traded" if row["is_champion"] else "is not traded"
    return [f"{row['name']} ({row['kind']}): {fitted}{judged}", f"  {traded}: {word(row['reason'])}"]


COMMAND = Command(name="models", role=PersonRole.VIEWER, help="What predicts, how well, and which model is traded", run=_run)
