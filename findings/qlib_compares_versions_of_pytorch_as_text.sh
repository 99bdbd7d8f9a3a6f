#!/usr/bin/env bash
# pyqlib 0.9.7 with PyTorch 2.13: qlib's MLP can't be made, since versions are compared as text, in which 2.13 is older than 2.6.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 pyqlib==0.9.7 setuptools==80.9.0
cd "$home"
"$home/venv/bin/python" - <<'PY'
# The argument that is chosen for PyTorch up to 2.6 was taken out of PyTorch in 2.7. A scheduler of one's own, or none, is the way round.
from qlib.contrib.model.pytorch_nn import DNNModelPytorch

try:
    DNNModelPytorch(pt_model_kwargs={"input_dim": 158})
except TypeError as error:
    seen = str(error)
else:
    seen = "no error"
print(f"DNNModelPytorch with its defaults: {seen}")
assert "verbose" in seen, seen
DNNModelPytorch(pt_model_kwargs={"input_dim": 158}, scheduler=None)
print("with scheduler=None it is made")
PY
