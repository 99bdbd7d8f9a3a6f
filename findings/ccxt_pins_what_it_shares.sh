#!/usr/bin/env bash
# ccxt 4.5.65 and later pin what everybody shares (idna==3.18, cffi==2.0.0, urllib3==2.8.0): beside one other pin of these, `ccxt>=4.5` is resolved without a word to 4.5.64, and stays there.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
pip="$home/venv/bin/pip --disable-pip-version-check"
$pip install --quiet uv==0.9.7
for version in 4.5.64 4.5.65 4.5.90; do $pip download --quiet --no-deps --dest "$home/$version" ccxt==$version; done
cd "$home"
venv/bin/python - <<'PY'
import pathlib, re, zipfile

def exact(version):
    (wheel,) = pathlib.Path(version).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))).decode()
    needed = [line.split(": ")[1] for line in text.splitlines() if line.startswith("Requires-Dist: ") and "extra ==" not in line]
    return {name: pin for name, pin in (re.match(r"([\w-]+)==([\d.]+)", line).groups() for line in needed if re.match(r"[\w-]+==", line))}

pins = {version: exact(version) for version in ("4.5.64", "4.5.65", "4.5.90")}
for version, found in pins.items():
    print(f"ccxt {version} requires {len(found)} packages in one version each: {', '.join(f'{name}=={pin}' for name, pin in found.items())}")
assert set(pins["4.5.64"]) == {"coincurve"}
assert len(pins["4.5.65"]) > 15 and {"idna", "cffi", "typing_extensions", "urllib3", "requests", "cryptography"} <= set(pins["4.5.65"])
assert len(pins["4.5.90"]) > 8 and {"idna", "cffi", "typing_extensions", "urllib3"} <= set(pins["4.5.90"])
PY
resolved() { printf '%s\n' "$@" | venv/bin/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 - | grep '^ccxt=='; }
alone=$(resolved 'ccxt>=4.5,<4.5.91')
beside=$(resolved 'ccxt>=4.5,<4.5.91' 'idna==3.20')
echo "ccxt>=4.5 alone is resolved to $alone; beside idna==3.20 to $beside"
[ "$alone" = "ccxt==4.5.90" ]
[ "$beside" = "ccxt==4.5.64" ]
