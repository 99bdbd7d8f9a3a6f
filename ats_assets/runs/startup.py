"""What a command needs before it starts: Dagster's environment and instance, and quiet libraries. Imports Dagster, which takes half a second, where it is used."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ats_assets.errors import SettingsError
from ats_assets.orchestration.dagster_home import INSTANCE_FILE, dagster_home

if TYPE_CHECKING:
    import dagster as dg


def prepare_environment() -> Path:
    """Set what Dagster reads from the environment, where it is not set; returns its home. To be called before the instance is made."""
    home = dagster_home()
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "500")
    os.environ.setdefault("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS", "true")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    return home


@contextlib.contextmanager
def open_instance() -> "Iterator[dg.DagsterInstance]":
    """The instance of Dagster's home.

    Raises
    ------
    SettingsError
        If its settings are wrong.
    """
    home = prepare_environment()
    import dagster as dg  # noqa: PLC0415
    import yaml  # noqa: PLC0415
    from dagster_shared.check import CheckError  # noqa: PLC0415

    try:
        instance = dg.DagsterInstance.get()
    except (dg.DagsterInvalidConfigError, dg.DagsterInvariantViolationError, CheckError, ImportError, yaml.YAMLError) as error:
        raise SettingsError(f"{home / INSTANCE_FILE} can't be used: {error}") from error
    with instance:
        yield instance


CHATTY = ("mlflow", "alembic", "great_expectations", "exchange_calendars", "sqlalchemy.pool")
"""Loggers that would write between the bars; the last one logs a traceback for a connection that Ctrl-C caught."""


@contextlib.contextmanager
def quiet(*, verbose: bool = False) -> Iterator[None]:
    """Without the notices of libraries; errors go through. Nothing is held back from those who ask for it, by `verbose` or Python's -W."""
    if verbose:
        yield
        return
    levels = {name: logging.getLogger(name).level for name in CHATTY}
    try:
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")
            else:
                from ats_assets.orchestration.known_warnings import silence_known  # noqa: PLC0415

                silence_known()
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
