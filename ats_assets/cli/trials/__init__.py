"""`ats trials`: what is in the ledger of trials, and how many different bets that is."""

from typing import Annotated

import typer

__all__ = ["trials"]


def trials(as_json: Annotated[bool, typer.Option("--json", help="Write JSON: a list of objects.")] = False) -> None:
    """List what was tried: every fit and backtest, with what came of it, and how many different bets that is."""
    from ats_assets.cli.trials.listing import listed as command  # noqa: PLC0415

    command(as_json=as_json)
