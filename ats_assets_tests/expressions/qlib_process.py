"""Run by qlib_features.py in a process of its own, which forks one for each order: qlib evaluates expressions.

An order is a list of folders as JSON, each of which may hold data/ and expressions.json; alpha158.json and alpha360.json (names and expressions) are
written there, and features.parquet (symbol, session, one column an expression) if there are expressions.
"""

import json
import os
from pathlib import Path

import polars as pl
import qlib
from qlib.contrib.data.loader import Alpha158DL, Alpha360DL
from qlib.data import D
from qlib.data.cache import H

from ats_assets_tests.forking import serve


def main(folder: Path) -> None:
    for name, loader in (("alpha158", Alpha158DL), ("alpha360", Alpha360DL)):
        texts, names = loader.get_feature_config()
        (folder / f"{name}.json").write_text(json.dumps(list(zip(names, texts, strict=True))))
    if not (folder / "expressions.json").exists():
        return
    expressions = json.loads((folder / "expressions.json").read_text())
    H.clear()
    qlib.init(provider_uri=str(folder / "data"), region="us", kernels=1, logging_level=40)
    frame = D.features(D.instruments("all"), list(expressions.values()), freq="day")
    frame.columns = list(expressions)
    result = pl.from_pandas(frame.reset_index()).rename({"instrument": "symbol", "datetime": "session"})
    result.with_columns(pl.col("session").cast(pl.Date)).write_parquet(folder / "features.parquet")


def do(order: str) -> None:
    folders = json.loads(order)
    os.chdir(folders[0])
    for folder in folders:
        main(Path(folder))


if __name__ == "__main__":
    serve(do)
