"""Dagster's storage in PostgreSQL, for a web server, a daemon and runs that share no disk; what is written has no secret in it, as in SQLite.

storage:
  custom:
    module: ats_assets.orchestration.postgres_storage
    class: ProjectPostgresStorage
    config:
      url_variable: RUNS_DB_URL
"""

import importlib
import os
from typing import Any

import dagster as dg
from dagster._core.storage.base_storage import DagsterStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from typing_extensions import override

from ats_assets.errors import SettingsError
from ats_assets.orchestration.instance import EVENTS_AT_ONCE, guard_instance

DRIVER = "postgresql+psycopg2"


class ProjectPostgresStorage(DagsterStorage, ConfigurableClass):
    """Makes the storage of dagster-postgres; there is never one of these."""

    @classmethod
    @override
    def config_type(cls) -> Any:
        told = "the variable of the environment, or of .env beside the settings, that holds its address"
        return {"url_variable": dg.Field(str, is_required=False, default_value="RUNS_DB_URL", description=told)}

    @classmethod
    @override
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Any:
        guard_instance()  # reads .env
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENTS_AT_ONCE)
        variable = config_value["url_variable"]
        url = os.environ.get(variable, "").strip()
        if not url:
            raise SettingsError(
                f"{variable} is not set: it holds the address of Dagster's database, such as postgresql://user:password@host/runs"
            )
        try:
            module = importlib.import_module("dagster_postgres")
        except ImportError as error:
            raise SettingsError(
                f"dagster_postgres is not installed ({error}): the image for training has it, or pip install dagster-postgres"
            ) from None
        return module.DagsterPostgresStorage.from_config_value(inst_data, {"postgres_url": f"{DRIVER}:{url.partition(':')[2]}"})
