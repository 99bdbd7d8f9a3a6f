#!/usr/bin/env bash
# skfolio 1.12.2 needs cvxpy-base, pyqlib 0.9.7 needs cvxpy 1.9.3: both own the same files, so that removing either one takes cvxpy from the other, and `pip check` finds nothing wrong.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
pip="$home/venv/bin/pip --disable-pip-version-check"
# Of qlib and skfolio only what they require matters here: cvxpy as pyqlib pins none, cvxpy-base as skfolio asks for.
$pip install --quiet cvxpy==1.9.3 skfolio==1.12.2
$pip download --quiet --no-deps --dest "$home" pyqlib==0.9.7
cd "$home"
venv/bin/python - pyqlib-*.whl <<'PY'
import re, sys, zipfile
from importlib.metadata import distribution, requires

wheel = zipfile.ZipFile(sys.argv[1])
text = wheel.read(next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))).decode()
qlib = [line.split(": ")[1] for line in text.splitlines() if re.match(r"Requires-Dist: cvxpy", line)]
skfolio = [line for line in requires("skfolio") if line.startswith("cvxpy")]
owned = [{str(file) for file in distribution(name).files if str(file).startswith("cvxpy/") and file.suffix == ".py"} for name in ("cvxpy", "cvxpy-base")]
print(f"pyqlib requires {qlib}, skfolio {skfolio}; both distributions own the same {len(owned[0] & owned[1])} modules")
assert qlib[0].startswith("cvxpy") and "base" not in qlib[0] and skfolio[0].startswith("cvxpy-base")
assert owned[0] == owned[1]
PY
$pip uninstall --quiet --yes skfolio cvxpy-base
checked=$($pip check)
seen=$(venv/bin/python -c "import cvxpy" 2>&1 | tail -1 || true)
echo "after removing skfolio with its cvxpy-base: pip check says '$checked', and import cvxpy '$seen'"
[ "$checked" = "No broken requirements found." ]
[ "$seen" = "ModuleNotFoundError: No module named 'cvxpy'" ]
