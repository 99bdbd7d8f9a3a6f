"""What workers do for a run: each function is called with one text, in a process that keeps the graph of the deployment it was last asked about."""

import json
import os
from datetime import date
from functools import lru_cache
from typing import Any

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import WorkerError
from ats_assets.models.fit_answers import fit_answer, joined_answers
from ats_assets.models.fits_ahead import fits_ahead
from ats_assets.orchestration.spreading import encoded, look_now, spreading
from ats_assets.runs.own_cache import require_own_cache, with_own_cache
from ats_assets.runs.startup import quiet
from ats_assets.settings import Settings


def make_sessions(task: str) -> bytes:
    """Make and write sessions of an asset; what was written (`spreading.encoded`)."""
    asked = json.loads(task)
    with quiet():
        deployment = _deployment(asked)
        sessions = [date.fromisoformat(day) for day in asked["sessions"]]
        written = deployment.of(spreading).make(asked["asset"], sessions)
    return encoded(written, deployment.warehouse.root)


def make_part(task: str) -> bytes:
    """Make the rows of a part of the symbols of an asset; they are stored by who asks (`symbol_blocks`)."""
    asked = json.loads(task)
    with quiet():
        sessions = [date.fromisoformat(day) for day in asked["sessions"]]
        return _deployment(asked).of(spreading).make_part(asked["asset"], sessions, asked["part"], asked["parts"])


def make_fits(task: str) -> bytes:
    """Fit a model as of neighbouring sessions; the fits (`fit_answers`)."""
    asked = json.loads(task)
    with quiet():
        fits, asset = _deployment(asked).of(fits_ahead), asked["asset"]
        return joined_answers(
            [fit_answer(asset, fits.fit_alone(asset, date.fromisoformat(day), asked["step"])) for day in asked["sessions"]]
        )


def _deployment(asked: dict[str, Any]) -> Deployment:
    """The deployment of a task, with its graph."""
    try:
        os.chdir(asked["folder"])  # relative paths of the settings are those of the run
    except OSError as error:
        raise WorkerError(
            f"a worker does not see {asked['folder']}, in which the run was started ({error}): all need the same folders"
        ) from None
    of = asked["settings"], tuple(asked["asked_sessions"]), asked["host"]
    deployment = _made(*of)
    look_now(deployment)
    if deployment.calendar_is_outdated:
        _made.cache_clear()
        deployment = _made(*of)
    return deployment


@lru_cache(maxsize=1)
def _made(settings: str, asked_sessions: tuple[str, ...], host: str) -> Deployment:
    deployment = Deployment(with_own_cache(Settings.model_validate_json(settings)))
    require_own_cache(deployment.settings.storage, host)
    deployment.asked_sessions = tuple(map(date.fromisoformat, asked_sessions))
    build(deployment)
    _ = deployment.calendar  # so that it is known which one this is
    return deployment
