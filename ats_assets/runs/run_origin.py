"""Where a run belongs: the code location and repository under which Dagster's UI lists it.

Dagster leaves a run that is executed in process without a place, so that its first page, the history of its job and the link from an asset to its run stay empty.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from ats_assets.settings import crypto_settings_file, settings_file

LOCATION = "ats_assets.definitions"
"""In `workspace.yaml`."""
CRYPTO_LOCATION = "ats_assets.crypto"
"""In `workspace-crypto.yaml`: of the graph whose settings are in `crypto.toml`, or in what ATS_CRYPTO_SETTINGS names."""


def code_location() -> str:
    """The code location that loads the settings of this process."""
    return CRYPTO_LOCATION if settings_file() == crypto_settings_file() else LOCATION


def job_origin(job: str) -> RemoteJobOrigin:
    """The origin of a job as the workspace gives it."""
    module = code_location()
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=module), module)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job)


@contextlib.contextmanager
def with_origin(instance: dg.DagsterInstance, job: str) -> Iterator[None]:
    """While open, a run that the instance creates is one of that job, as if the UI had launched it."""
    create, origin = instance.create_run_for_job, job_origin(job)

    def created(*args: Any, **kwargs: Any) -> dg.DagsterRun:
        return create(*args, **kwargs, remote_job_origin=origin)

    instance.create_run_for_job = created
    try:
        yield
    finally:
        del instance.create_run_for_job
