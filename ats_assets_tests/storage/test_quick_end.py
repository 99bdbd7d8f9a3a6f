import subprocess
import sys

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
