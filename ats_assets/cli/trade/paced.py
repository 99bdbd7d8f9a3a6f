"""`ats trade paced`: one stored session after the other at the embedded broker, at a pace: a day of trading that passes in minutes."""

import os
import time
from dataclasses import dataclass
from datetime import date

import typer

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, SettingsError
from ats_assets.execution.choosing import chosen_broker
from ats_assets.execution.watching import WakeSignal, stopping
from ats_assets.runs.trade_sessions import trade_in_turn
from ats_assets.runs.writing import say
from ats_assets.settings import load_settings

_INTERRUPTED = 130
"""The status of a run that was told to stop: what it had begun is gone on with by the next one."""
_ENDS = "ATS_SOURCE__SYNTHETIC__LAST_SESSION"


@dataclass(frozen=True, kw_only=True)
class PacedCommand:
    """What was asked for.

    Attributes
    ----------
    every_seconds
        From the end of one session to the beginning of the next.
    back
        Sessions with targets before the newest one, from which trading begins where nothing was traded yet.
    beyond
        Whether the synthetic source makes further sessions after the last stored one.
    """

    every_seconds: float
    back: int
    beyond: bool


def paced(asked: PacedCommand) -> None:
    """Trade until SIGTERM or SIGINT; status 0 then. A session that fails is tried again."""
    deployment = Deployment(load_settings())
    if not deployment.of(chosen_broker).embedded:
        raise SettingsError(
            'ats trade paced plays stored sessions at the embedded broker: set orders.broker = "paper", or use ats trade live'
        )
    if asked.beyond and deployment.settings.source.kind != "synthetic":
        raise SettingsError(f"--beyond makes sessions of the synthetic source, and source.kind is {deployment.settings.source.kind!r}")
    wake_signal, waits = WakeSignal(), False
    with stopping(wake_signal):
        while not wake_signal.stopped:
            session = next_session(Deployment(load_settings()), asked.back)
            if session is None and asked.beyond:
                session = _make_next()
            if session is not None:
                waits = False
                if _trade(session) == _INTERRUPTED:
                    break
            elif not waits:
                waits = True
                say(
                    "every stored session is traded: what is ordered now is filled at the next one, which ats run makes where the source has it, and --beyond of the synthetic source"
                )
            wake_signal.sleep(asked.every_seconds)


def next_session(deployment: Deployment, back: int) -> date | None:
    """The session whose close is traded next; None where there is none yet.

    Raises
    ------
    AtsError
        If no session has targets.
    """
    decided, traded = deployment.valid_sessions("targets"), deployment.warehouse.stored_sessions("orders")
    if not decided:
        raise AtsError("no session with targets is stored: make some with ats run")
    if not traded:
        return decided[-min(back + 1, len(decided))]
    due = deployment.calendar.after(traded[-1])
    return due if due in decided else None


def _trade(session: date) -> int:
    """Settle the session, which fills what was ordered for its open, and send the orders for the next; gives the status."""
    try:
        trade_in_turn(first=session, last=session, verbose=False)
    except typer.Exit as ended:
        if ended.exit_code != _INTERRUPTED:
            say(f"{session} was not traded, and is tried again")
        return ended.exit_code
    except AtsError as error:
        say(f"{session} was not traded, and is tried again: {error}")
        return 1
    return 0


def _make_next() -> date | None:
    """Make the session after the last stored one, with all that is made of it: the synthetic market goes on as it would with a later `last_session`."""
    from ats_assets.cli.run import run  # noqa: PLC0415 - the whole graph

    deployment = Deployment(load_settings())
    following = deployment.calendar.after(deployment.valid_sessions("bars")[-1])
    os.environ[_ENDS] = following.isoformat()
    day = following.isoformat()
    try:
        run(first=day, last=day, select=None, chunk=126, summary_json=None, verbose=False, started=time.perf_counter())
    except (typer.Exit, AtsError) as error:
        if isinstance(error, AtsError) or error.exit_code:
            say(f"{following} was not made, and is tried again: {error if isinstance(error, AtsError) else 'see above'}")
            return None
    return next_session(Deployment(load_settings()), 0)
