"""What a first run would compile, compiled ahead: `python -m ats_assets.runs.compiling [PART...]`, of which the set-up runs the parts beside each other.

These are the kernels that expressions and the backtest are computed by (half a minute each), what the versions of code are made of, and the empty databases of Dagster and MLflow.
All are kept on the disk beside the code.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from ats_assets.backtests.ahead_of_time import compile_kernels_of_orders
from ats_assets.deployment import Deployment
from ats_assets.expressions import compute
from ats_assets.settings import Settings


def main(parts: Sequence[str] = ()) -> None:
    """Compile parts, or all of it; what is on the disk already is loaded. Settings, source and warehouse of the user are not looked at.

    Raises
    ------
    SystemExit
        If there is no part of a name.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    for part in parts or PARTS:
        PARTS[part]()


def compile_expression_kernels() -> None:
    """Compile the kernels of expressions, which inference needs as well."""
    days = [date(2024, 1, 1) + timedelta(n) for n in range(3)]
    panel = pl.DataFrame({"symbol": ["A"] * 3, "session": days, "close": [1.0, 2.0, 3.0]})
    compute(panel, {"mean": "Mean($close, 2)", "rank": "CSRank($close)"})


def _build_graph() -> None:
    """A graph of the defaults, and empty databases for its instance."""
    from ats_assets.definitions import build  # noqa: PLC0415 - with Dagster, which the image for inference does not have
    from ats_assets.models.tracking import empty_mlflow  # noqa: PLC0415
    from ats_assets.orchestration.empty_storages import EMPTY_EVENT_LOG, PLACES  # noqa: PLC0415

    build(Deployment(Settings()))
    for empty in (*PLACES.values(), EMPTY_EVENT_LOG, empty_mlflow()):
        empty.content()


PARTS: Final[Mapping[str, Callable[[], None]]] = {
    "expressions": compile_expression_kernels,
    "orders": compile_kernels_of_orders,
    "graph": _build_graph,
}


if __name__ == "__main__":
    main(sys.argv[1:])
