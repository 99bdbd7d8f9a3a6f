import subprocess
import sys
from pathlib import Path

import pytest

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


REFUSED = """
import gc, contextlib
from ats_assets.cli import app
from ats_assets.storage.quick_end import collect_rarely

before = gc.get_threshold()
with contextlib.suppress(BaseException):
    app(["run", "--from", "2024-01-05", "--to", "2024-01-02"], standalone_mode=False)
print(gc.get_threshold() == before)
"""


def test_a_run_that_ends_before_it_begins_leaves_the_collector_as_it_was(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", REFUSED], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.splitlines()[-1:] == ["True"], done.stderr


def test_what_was_there_is_not_looked_through_and_what_is_new_is() -> None:
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines(), done.stderr) == (["True True False", "True 0 True"], "")
