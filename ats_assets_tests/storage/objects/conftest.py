"""Two machines that share a root in a server of the tests: each is a folder of its own."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from ats_assets.settings import BucketUrl
from ats_assets.storage.objects.bucket import Bucket
from ats_assets.storage.objects.mirrored_folder import MirroredFolder
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.azure_double import az, azure_server
from ats_assets_tests.google_double import google_server, gs
from ats_assets_tests.s3_double import S3Double, s3, s3_server

__all__ = ["az", "azure_server", "google_server", "gs", "s3", "s3_server"]
_numbers = itertools.count()
Machine = Callable[..., Warehouse]


@pytest.fixture
def prefix() -> str:
    """Of this test's objects."""
    return f"test-{next(_numbers)}"


@pytest.fixture(params=["s3", "gs", "az"])
def cloud(request: pytest.FixtureRequest) -> S3Double:
    """The server of each kind."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def machine(request: pytest.FixtureRequest, prefix: str, tmp_path: Path) -> Machine:
    """A warehouse as another machine, or another process of a machine, has it: `machine("one")`; in S3, or where the test asks for `cloud`, in that."""
    double: S3Double = request.getfixturevalue("cloud" if "cloud" in request.fixturenames else "s3")

    def made(name: str, **more: object) -> Warehouse:
        own = double.settings(prefix, tmp_path / name, **more)
        assert isinstance(own.warehouse, BucketUrl)
        folder = MirroredFolder(Bucket(own.warehouse, own.object_store), own.mirror(own.warehouse))
        return Warehouse(folder.root, root_folder=folder)

    return made
