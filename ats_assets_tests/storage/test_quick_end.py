import gc
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ats_assets.cli import app

PROGRAM = """
import atexit, sys
from ats_assets.storage.quick_end import end_quickly

class Knot:
    def __init__(self):
        self.own = self
    def __del__(self):
        print("collected", flush=True)

{quickly}
atexit.register(print, "registered")
knot = Knot()
print("written", end=" ")
sys.exit(3)
"""


@pytest.mark.parametrize(("quickly", "last"), [("end_quickly()", []), ("", ["collected"])])
def test_all_is_done_but_the_search_for_garbage(quickly: str, last: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(quickly=quickly)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (3, ["written", "registered", *last], "")


RUN = """
import gc, weakref
from ats_assets.storage.quick_end import collect_new, collect_rarely, kept_for_good

class Knot:
    def __init__(self):
        self.own = self

before, old = gc.get_threshold(), Knot()
gone = weakref.ref(old)
collect_rarely()
with kept_for_good():
    del old
    new = weakref.ref(Knot())
    collect_new()
    print(gone() is not None, new() is None, gc.get_threshold() == before)
gc.collect()
print(gone() is None, gc.get_freeze_count(), gc.get_threshold() == before)
"""


def test_a_run_that_ends_before_it_begins_leaves_the_collector_as_it_was(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAGSTER_EVENT_BATCH_SIZE", "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")  # what the command sets is taken back
    before = gc.get_threshold()
    refused = CliRunner().invoke(app, ["run", "--from", "2024-01-05", "--to", "2024-01-02"])
    assert refused.exit_code == 2, refused.output
    assert f"with the settings of {home}" in refused.output, "it has begun to load the graph, for which garbage is collected rarely"
    assert gc.get_threshold() == before


def test_what_was_there_is_not_looked_through_and_what_is_new_is() -> None:
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines(), done.stderr) == (["True True False", "True 0 True"], "")
