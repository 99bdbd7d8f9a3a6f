"""An upgrade and its way back, by the commands of two builds: an older one that has run and traded, and this one.

Usage: python benchmarks/upgrade.py [--from COMMIT] [--text FILE] [--json FILE]

1. A build of the last commit before today's schema of the trade state (or of COMMIT), taken out of git's history, runs and trades a small synthetic market.
2. This one opens what it has left: the trade state is migrated, a copy of it kept, every row as it was; no file of the warehouse is touched. `ats stale` names nothing but
   what was made by code that differs between the builds: the pieces of code that make each asset are found in both, by today's rules, and are told where they differ.
   What is stale is rebuilt in a copy: how many of those partitions have other rows then.
3. This one trades the next session.
4. Back: the older build refuses the newer schema, its trade state is put back as docs/operations.md says, and it trades that session itself, from
   the warehouse as this one has left it.

It ends with an error where a row is lost, a partition changes that nobody rebuilt, one is stale without a piece of code that differs, or one of the builds can't go on.
That a piece differs does not say that a row does: code that is rewritten to the same results is known by what a rebuild makes of it alone. `--text` writes the older trade state as SQL, of which the tests keep one.
Where there is no history (a shallow clone, a release's archive), it says so and does nothing.
"""

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from ats_assets.trade_state import SCHEMA_VERSION  # noqa: E402
from ats_assets_tests.cli.market import environment, make_home  # noqa: E402
from ats_assets_tests.trade_state.stored_rows import STATE, stored_rows, stored_version  # noqa: E402

SCHEMA = "ats_assets/trade_state/schema.py"
PIECES = """
import importlib.util, json, sys
import ats_assets.settings.inheriting as inheriting
import ats_assets.storage
inheriting.naming_files = getattr(inheriting, "naming_files", lambda dumped: ())  # of settings: an older build has none
spec = importlib.util.spec_from_file_location("ats_assets.storage.versions", sys.argv[1])
versions = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(versions)
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node
from ats_assets.settings import load_settings
found = {}
def code_version(node):
    found[node.name] = dict(versions.trees(*node.code))
    return versions.code_version(*node.code, formulas=node.formulas)
Node.code_version = property(code_version)
build(Deployment(load_settings()))
print(json.dumps(found))
"""
FIRST, SECOND, THIRD = "2021-03-24", "2021-03-25", "2021-03-26"


def main() -> None:
    """Print a line a step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="commit", help="the older build; default: the last one of the schema before today's")
    parser.add_argument("--text", type=Path, help="write its trade state as SQL")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    commit = given.commit or last_of_schema(SCHEMA_VERSION - 1)
    if commit is None:
        print(f"skipped: the history here has no build of schema {SCHEMA_VERSION - 1}; name one by --from, or fetch the history")
        return
    with tempfile.TemporaryDirectory(prefix="upgrade-") as folder:
        found = upgraded_and_back(commit, Path(folder), given.text)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


def upgraded_and_back(commit: str, folder: Path, text: Path | None) -> dict[str, Any]:
    """All steps; what was counted."""
    older, home = folder / "older", make_home(folder / "home")
    with tarfile.open(fileobj=BytesIO(git("archive", commit))) as archive:
        archive.extractall(older, filter="data")
    ats(older, home, "run")
    ats(older, home, "trade", "--from", FIRST, "--to", SECOND)
    before, files, schema = stored_rows(home), hashes(home), stored_version(home)
    print(f"{commit[:8]}, schema {schema}: {len(files)} files, {sum(map(len, before.values()))} rows of the trade state", flush=True)
    if text:
        text.write_text(as_text(home), encoding="utf-8")

    account = json.loads(ats(ROOT, home, "orders", "status", "--json"))
    after = stored_rows(home)
    assert stored_version(home) == SCHEMA_VERSION
    assert {table: after[table] for table in before} == before, "the migration changes a row"
    (copy,) = (home / "data/before_migrations").iterdir()
    stale = json.loads(ats(ROOT, home, "stale", "--json", ends={0, 1}))
    assert hashes(home) == files, "who looks changes nothing"
    print(f"migrated to {SCHEMA_VERSION}: every row as it was, {copy.name} kept; {len(stale)} partitions stale", flush=True)
    found = {"commit": commit, "from": schema, "to": SCHEMA_VERSION, "rows": sum(map(len, before.values())), "files": len(files)}
    differing = pieces_that_differ(older, home, {one["asset"] for one in stale})
    wrong = [one for one in stale if not one["reason"].startswith("code changed") or not differing[one["asset"]]]
    assert not wrong, f"stale that need not be: {wrong[:3]}"
    found |= {
        "differing": differing,
        "stale": stale_of(stale),
        "rebuilt_otherwise": rebuilt(home, folder / "healed", stale),
        "halted": bool(account.get("halts")),
    }

    ats(ROOT, home, "trade", "--from", THIRD, "--to", THIRD)
    mine = traded(home)
    print(f"{THIRD} traded by this build", flush=True)

    refusal = ats(older, home, "orders", "status", ends={1})
    for companion in ("", "-wal", "-shm"):
        (home / f"{STATE}{companion}").unlink(missing_ok=True)
    shutil.copyfile(copy, home / STATE)
    assert stored_rows(home) == before, "the copy is not what was there"
    ats(older, home, "trade", "--from", THIRD, "--to", THIRD)
    theirs = traded(home)
    print(f"back at schema {stored_version(home)}: the older build refused the newer one, and has traded {THIRD} itself", flush=True)
    return found | {
        "refusal": refusal.strip().splitlines()[-1:],
        "traded_alike": [name for name in mine if mine[name].equals(theirs[name])],
    }


def last_of_schema(number: int) -> str | None:
    """The last commit whose trade state has a schema; None where the history does not reach it."""
    for commit in git("log", "--format=%H", "--first-parent", "--", SCHEMA).decode().split():
        parent = f"{commit}^"
        done = subprocess.run(["git", "-C", str(ROOT), "show", f"{parent}:{SCHEMA}"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and f"SCHEMA_VERSION = {number}\n" in done.stdout:
            return git("rev-parse", parent).decode().strip()
    return None


def git(*arguments: str) -> bytes:
    """What git says of this checkout; nothing where there is no repository."""
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False).stdout


def ats(build: Path, home: Path, *arguments: str, ends: frozenset[int] | set[int] = frozenset({0})) -> str:
    """What a command of a build prints."""
    command = [sys.executable, "-m", "ats_assets.cli", *arguments]
    env = environment(home, PYTHONPATH=str(build), DAGSTER_HOME=str(home))
    done = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in ends, f"{build.name}: ats {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-3_000:]}"
    return done.stdout or done.stderr


def traded(home: Path) -> dict[str, Any]:
    """The rows of what is stored of the session that both builds trade."""
    import polars as pl

    files = {name: home / f"warehouse/synthetic/{name}/session={THIRD}/data.parquet" for name in ("fills", "positions", "order_plan")}
    return {name: pl.read_parquet(file) for name, file in files.items()}


def as_text(home: Path) -> str:
    """The trade state as SQL."""
    with closing(sqlite3.connect(home / STATE)) as connection:
        return "".join(f"{line}\n" for line in connection.iterdump())


def hashes(home: Path) -> dict[str, str]:
    """Of each file of warehouse and models."""
    files = (path for part in ("warehouse", "models") for path in (home / part).rglob("*") if path.is_file())
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def stale_of(stale: list[dict[str, Any]]) -> dict[str, int]:
    """Stale partitions by asset."""
    return {asset: sum(one["asset"] == asset for one in stale) for asset in sorted({one["asset"] for one in stale})}


def pieces_that_differ(older: Path, home: Path, assets: set[str]) -> dict[str, list[str]]:
    """Of each asset, the pieces of its code that are not those of the older build."""
    of_build = [pieces(build, home) for build in (older, ROOT)]
    found: dict[str, list[str]] = {}
    for asset in sorted(assets):
        before, now = (of.get(asset, {}) for of in of_build)
        found[asset] = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        shown = f"{', '.join(found[asset][:3])}{f' and {len(found[asset]) - 3} more' if len(found[asset]) > 3 else ''}"
        print(f"  {asset}: {shown}", flush=True)
    return found


def pieces(build: Path, home: Path) -> dict[str, dict[str, str]]:
    """The pieces of code that make each asset of a build with their digests, by today's rules."""
    rules = ROOT / "ats_assets" / "storage" / "versions.py"
    with tempfile.TemporaryDirectory() as bytecode:  # beside which digests are kept, that were found by the build's own rules
        env = environment(home, PYTHONPATH=str(build), DAGSTER_HOME=str(home), PYTHONPYCACHEPREFIX=bytecode, PYTHONWARNINGS="ignore")
        command = [sys.executable, "-c", PIECES, str(rules)]
        done = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, check=True)
    return {
        asset: {name.replace(f"{build}/", "").removeprefix("ats_assets."): digest for name, digest in found.items()}
        for asset, found in json.loads(done.stdout.splitlines()[-1]).items()
    }


def rebuilt(home: Path, copy: Path, stale: list[dict[str, Any]]) -> dict[str, int]:
    """Rebuild what is stale in a copy of the deployment: by asset, the partitions whose rows are others then."""
    import polars as pl

    shutil.copytree(home, copy)
    ats(ROOT, copy, "stale", "--heal")
    assert json.loads(ats(ROOT, copy, "stale", "--json", ends={0, 1})) == []
    changed = dict.fromkeys(stale_of(stale), 0)
    for path in sorted((home / "warehouse").rglob("*.parquet")):
        asset = path.relative_to(home / "warehouse").parts[1]
        other = copy / path.relative_to(home)
        if asset in changed and (not other.exists() or not pl.read_parquet(path).equals(pl.read_parquet(other))):
            changed[asset] += 1
    return changed


if __name__ == "__main__":
    os.environ.pop("ATS_SETTINGS", None)
    main()
