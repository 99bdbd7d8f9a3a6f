#!/usr/bin/env bash
# dagster 1.13.27: after a run in process, SIGTERM is handled as SIGINT is, so it is ignored in what a script has started in the background.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cat >"$home/program.py" <<'PY'
# A shell without job control starts what has an `&` with SIGINT ignored (POSIX), and Python leaves it so. A run of Dagster ends by giving SIGTERM the
# handler that it found for SIGINT: from then on neither signal ends the process, nor what it starts. Put SIGTERM's handler back after each run.
import signal

from dagster import job, op


@op
def nothing():
    pass


@job
def one():
    nothing()


before = signal.getsignal(signal.SIGTERM)
assert one.execute_in_process().success
after = signal.getsignal(signal.SIGTERM)
print(f"SIGINT {signal.getsignal(signal.SIGINT)!r}; SIGTERM before the run {before!r}, after it {after!r}")
PY
export DAGSTER_DISABLE_TELEMETRY=1
"$home/venv/bin/python" "$home/program.py" 2>/dev/null >"$home/said" </dev/null &
wait $!
cat "$home/said"
grep -q 'SIGTERM before the run <Handlers.SIG_DFL: 0>, after it <Handlers.SIG_IGN: 1>' "$home/said"
