"""The child's half of the exchange: `python -I run_jobs.py <engine's script> <folder>`; the other half is `ats_assets/backtests/child_engine/job_files.py`.

The folder holds `request.json` and for each job `<number>.json` and `<number>.arrow`; the engine's script has a function `TRADE` of one job. What it answers is written to
`<number>-orders.arrow` and `<number>-account.arrow`, and last of all `answer.json` with a digest of each, under its name only when it is whole.
"""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

PROTOCOL = 1
MARKET = ("open", "close", "weight")


def main(script: Path, folder: Path) -> None:
    """Do all jobs of the folder."""
    request = json.loads(folder.joinpath("request.json").read_text(encoding="utf-8"))
    if request["protocol"] != PROTOCOL:
        raise SystemExit(f"the request is of protocol {request['protocol']}, this script of {PROTOCOL}")
    engine, digests = _loaded(script), {}
    for number in range(request["jobs"]):
        answer = engine.TRADE(_job(folder, number))
        for table in ("orders", "account"):
            file = folder / f"{number}-{table}.arrow"
            frame = pa.table({name: pa.array(np.ascontiguousarray(values)) for name, values in answer[table].items()})
            with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, frame.schema) as writer:
                writer.write_table(frame)
            digests[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    part = folder / "answer.json.part"
    part.write_text(json.dumps({"protocol": PROTOCOL, "version": engine.VERSION, "files": digests}), encoding="utf-8")
    part.replace(folder / "answer.json")


def _loaded(script: Path) -> Any:
    spec = importlib.util.spec_from_file_location("engine_script", script)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{script} is no script")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Backtrader looks for the modules of the classes that it is given
    spec.loader.exec_module(module)
    return module


def _job(folder: Path, number: int) -> dict[str, Any]:
    """The settings of a job, and its matrices of shape (n_sessions, n_columns)."""
    job = json.loads(folder.joinpath(f"{number}.json").read_text(encoding="utf-8"))
    shape = (len(job["sessions"]), job["columns"])
    with pa.memory_map(str(folder / f"{number}.arrow")) as source:
        table = pa.ipc.open_file(source).read_all()
        job |= {name: table[name].to_numpy().reshape(shape).copy() for name in MARKET}
    return job


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
