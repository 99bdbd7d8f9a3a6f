"""Run by qlib_features.py in a process of its own: qlib evaluates expressions.

Usage: qlib_process.py FOLDER..., each of which may hold data/ and expressions.json; writes alpha158.json and alpha360.json (names and expressions)
there, and features.parquet (symbol, session, one column an expression) if there are expressions.
"""

import json
import sys
from pathlib import Path

import polars as pl
import qlib
from qlib.contrib.data.loader import Alpha158DL, Alpha360DL
from qlib.data import D
from qlib.data.cache import H


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


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        main(Path(argument))
