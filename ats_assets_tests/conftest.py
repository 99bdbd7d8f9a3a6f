"""What all tests share: reproducible examples, and settings that can't touch the checkout's warehouse.

The options in `pyproject.toml` turn every warning into an error and let a test open sockets to this machine only (pytest-socket); a subprocess that a
test starts is not held back by that, so a test must not start one that needs a network.
"""

import atexit
import gc
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ats_assets_tests.rounds import rounds

EXAMPLES = rounds(25, 100)
"""Of a property that names no number of its own."""
settings.register_profile("dev", deadline=None, max_examples=EXAMPLES)
settings.register_profile("ci", deadline=None, max_examples=EXAMPLES, derandomize=True, database=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

pytest_plugins = ["ats_assets_tests.database_fixtures"]
gc.disable()
"""Until all is collected (`pytest_collection_finish`): what imports make stays, and to look through it as it grows is a sixth of the collection."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests are spread over the first two thirds of the others, the order within a file is kept.

    Slow tests wait for servers, kills and other processes: where all processes of the tests come to them at once, processors idle, and where they come last,
    one is left alone with them.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    slow = [file for file in files.values() if any(item.get_closest_marker("slow") for item in file)]
    others = [file for file in files.values() if not any(item.get_closest_marker("slow") for item in file)]
    between = max(1, 2 * len(others) // (3 * max(1, len(slow))))
    spread = [file for n, one in enumerate(slow) for file in (one, *others[n * between : (n + 1) * between])]
    items[:] = [item for file in (*spread, *others[len(slow) * between :]) for item in file]


def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not look through it, again and again, and looks less often at what tests make.

    At the very end all is looked through: libraries complain of what they believe to be leaked.
    """
    gc.freeze()
    atexit.register(gc.unfreeze)
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """SIGTERM does after a test what it did before it.

    A run of Dagster in this process leaves it with what SIGINT has, and that is to be ignored where whoever started the tests did so in the background:
    processes that later tests start would inherit it, and could not be ended.
    """
    before = signal.getsignal(signal.SIGTERM)
    try:
        return (yield)
    finally:
        if signal.getsignal(signal.SIGTERM) != before:
            signal.signal(signal.SIGTERM, before)


INSTANCE = "telemetry:\n  enabled: false\n"


def _point_to(folder: Path, environment: pytest.MonkeyPatch) -> None:
    """Make `folder` the place of the settings file, of what its relative paths name, and of Dagster's instance."""
    for name in [name for name in os.environ if name.startswith("ATS_")]:
        environment.delenv(name)
    (folder / "ats.toml").touch()
    (folder / "dagster.yaml").write_text(INSTANCE, encoding="utf-8")
    environment.setenv("ATS_SETTINGS", str(folder / "ats.toml"))
    environment.setenv("DAGSTER_HOME", str(folder))
    environment.setenv("DAGSTER_DISABLE_TELEMETRY", "1")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The defaults, with warehouse, models and data in a temporary folder, whatever the environment says."""
    with pytest.MonkeyPatch.context() as environment:
        _point_to(tmp_path_factory.mktemp("home"), environment)
        environment.setenv("DAGSTER_EVENT_BATCH_SIZE", "500")  # as the commands have it; it is a fifth of a run
        environment.setenv("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS", "true")
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder with the settings file (empty: the defaults), Dagster's home, and all artefacts of one test."""
    _point_to(tmp_path, monkeypatch)
    return tmp_path
