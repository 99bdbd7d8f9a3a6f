#!/usr/bin/env bash
# dagster 1.13.27: while a step runs in this process, its file has what all threads write, and the caller's terminal is none.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
mkdir "$home/dagster"
printf 'telemetry:\n  enabled: false\n' > "$home/dagster/dagster.yaml"
DAGSTER_HOME="$home/dagster" "$home/venv/bin/python" -W ignore - <<'PY'
# `materialize` in a program of one's own runs the step in it, and captures its output by putting a pipe in the place of the descriptors 1 and 2 of the process.
# So a log line about an order of another thread is kept as the output of whichever step ran just then, and progress bars, which draw on terminals alone, stand
# still. Whoever shows something while steps run keeps a duplicate of the descriptor from before.
import os
import pty
import threading
from pathlib import Path

import dagster as dg

_, terminal = pty.openpty()
os.dup2(terminal, 2)
begun, written, seen = threading.Event(), threading.Event(), {"before": os.isatty(2)}


def order_router():
    begun.wait(60)
    os.write(2, b"order 17 was filled\n")
    seen["in another thread"] = os.isatty(2)
    written.set()


@dg.asset
def features():
    begun.set()
    assert written.wait(60)


threading.Thread(target=order_router).start()
with dg.DagsterInstance.get() as instance:
    assert dg.materialize([features], instance=instance).success
seen["after"] = os.isatty(2)
files = {file.stem: file.read_text() for file in Path(os.environ["DAGSTER_HOME"]).rglob("*.err")}
print("files of a step's output:", len(files), "of which have the other thread's line:", sum("order 17 was filled" in text for text in files.values()))
print("a terminal:", seen)
assert ["order 17 was filled" in text for text in files.values()] == [True], files
assert seen == {"before": True, "in another thread": False, "after": True}, seen
PY
