"""The machine's instructions, and how one lies in an array; apart from the kernels that run them, so that a plan is made without numba, whose import takes a second."""

from enum import IntEnum
from typing import Final

# columns of an instruction
OP: Final = 0
TARGET: Final = 1
SOURCES: Final = 2  # … up to eight registers
LAG: Final = 10  # sessions by which the older sources lie back
ROWS: Final = 11  # length of the window
FIRST: Final = 12  # first row that is needed
AFTER: Final = 13  # rows at the end that are not needed
ROUND: Final = 14  # 1: the result is rounded to float32
INSTRUCTION_WIDTH: Final = 15


class Op(IntEnum):
    """The instructions; the names of the sources are in `execute`."""

    ADD = 0
    SUBTRACT = 1
    MULTIPLY = 2
    DIVIDE = 3
    POWER = 4
    GREATER = 5
    LESS = 6
    ABSOLUTE = 7
    NEGATE = 8
    LOG = 9
    SIGN = 10
    GT = 11
    GE = 12
    EQ = 13
    NE = 14
    AND = 15
    OR = 16
    NOT = 17
    IF = 18
    STARTED = 19
    LAGGED = 20
    SUPPORTED = 21
    FINITE = 22
    BOTH_FINITE = 23
    IS_FINITE = 24
    FINITE_OR_ZERO = 25
    FINITE_OR_LOWEST = 26
    ARG_LEAF = 27
    SUM_MERGE = 28
    AGE_MERGE = 29
    AGE_SQUARED_MERGE = 30
    DEVIATION_MERGE = 31
    CODEVIATION_MERGE = 32
    MAX_MERGE = 33
    ARG_MERGE = 34
    RANK_COUNT = 35
    SUM = 36
    MEAN = 37
    VARIANCE = 38
    DEVIATION = 39
    SLOPE = 40
    RSQUARE = 41
    RESIDUAL = 42
    MAXIMUM = 43
    ARG_MAXIMUM = 44
    COVARIANCE = 45
    CORRELATION = 46
    QLIB_CORRELATION = 47
    RANK = 48
    QUANTILE = 49
    WEIGHT_MERGE = 50
    FADED_MERGE = 51
    LINEAR_AVERAGE = 52
    MEAN_DISTANCE = 53
    THIRD_MERGE = 54
    FOURTH_MERGE = 55
    FOURTH_COMPLETE = 56
    SKEWNESS = 57
    KURTOSIS = 58
    TRIM = 59
