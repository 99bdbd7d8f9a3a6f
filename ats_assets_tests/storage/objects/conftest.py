"""Two machines that share a root in the server of the tests: each is a folder of its own."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from ats_assets.settings import BucketUrl
from ats_assets.storage.objects.bucket import Bucket
from ats_assets.storage.objects.mirrored_folder import MirroredFolder
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.s3_double import S3Double, s3, s3_server

__all__ = ["s3", "s3_server"]
_numbers = itertools.count()
Machine = Callable[..., Warehouse]


@pytest.fixture
def prefix() -> str:
    """Of this test's objects."""
    return f"test-{next(_numbers)}"


@pytest.fixture
def machine(s3: S3Double, prefix: str, tmp_path: Path) -> Machine:
    """A warehouse as another machine, or another process of a machine, has it: `machine("one")`."""

    def made(name: str, **more: object) -> Warehouse:
        own = s3.settings(prefix, tmp_path / name, **more)
        assert isinstance(own.warehouse, BucketUrl)
        folder = MirroredFolder(Bucket(own.warehouse, own.object_store), own.mirror(own.warehouse))
        return Warehouse(folder.root, root_folder=folder)

    return made
