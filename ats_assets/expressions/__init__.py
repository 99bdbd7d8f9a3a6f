"""qlib's expression language over Polars panels: factors as strings, the same bits in batch and live.

`parser`, `tokens` and `syntax` read the text; `compiler` and `operators` turn it into nodes (`builder`, `windows`, `averages`, `shape`, `across`), `plan` and `staged_plan`
these into one plan of a whole set of expressions; `evaluate`, `grid`, `staging`, `cross_section`, `blocks` and `machine` run it.
"""

from ats_assets.expressions.builder import Flat
from ats_assets.expressions.compiler import MAX_LOOKBACK, MAX_WINDOW, compile_expressions, lookahead, lookback, lookbacks, named_symbols
from ats_assets.expressions.evaluate import compute
from ats_assets.expressions.operators import OPERATORS
from ats_assets.expressions.parser import MAX_DEPTH, parse
from ats_assets.expressions.staged_plan import StagedPlan

__all__ = [
    "MAX_DEPTH",
    "MAX_LOOKBACK",
    "MAX_WINDOW",
    "OPERATORS",
    "Flat",
    "StagedPlan",
    "compile_expressions",
    "compute",
    "lookahead",
    "lookback",
    "lookbacks",
    "named_symbols",
    "parse",
]
