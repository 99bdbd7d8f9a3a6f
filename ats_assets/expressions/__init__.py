"""qlib's expression language over Polars panels: factors as strings, the same bits in batch and live."""

from ats_assets.expressions.compiler import MAX_WINDOW, compile_expressions
from ats_assets.expressions.evaluation import compute, lookback
from ats_assets.expressions.operators import OPERATORS
from ats_assets.expressions.parser import MAX_DEPTH, parse
from ats_assets.expressions.steps import Plan

__all__ = ["MAX_DEPTH", "MAX_WINDOW", "OPERATORS", "Plan", "compile_expressions", "compute", "lookback", "parse"]
