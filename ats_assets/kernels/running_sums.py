"""The sum of floats in numpy's order, compiled: halves of more than 128 apart, and in each eight running sums side by side.

Written one by one, the eight stay eight additions of one number. Here they are one vector of the processor, added lane by lane in the order that numpy has, so that no bit changes. A half
is told by its address: as an array it would count its owners with locked additions, each as slow as the sum of a hundred numbers.
"""

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils, errors, types
from numba.extending import intrinsic

LANES, BLOCK = 8, 128
_BYTES: Final = 8
"""Of a number; a vector may begin at any of them."""
_INT: Final = ir.IntType(64)
_NUMBER: Final = ir.DoubleType()
_LANES: Final = ir.VectorType(_NUMBER, LANES)
_NAME: Final = "ats_pairwise_sum"


def pairwise(values):
    """Of shape (n,)."""
    return 0.0 + _pairwise(values)  # as numpy: nothing but zeros below zero is zero


def _intrinsic(written: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's, but for a type checker: whoever calls such a function gives all but the context."""
    return intrinsic(written)


@_intrinsic
def _pairwise(_context, values):
    if not isinstance(values, types.Array) or values.ndim != 1 or values.layout != "C" or values.dtype != types.float64:
        raise errors.TypingError(f"such a sum is of one row of float64 that lie side by side, not of {values}")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.call(builder.module.globals.get(_NAME) or _written(builder.module), [array.data, array.nitems])

    return types.float64(values), generate


def _written(module: Any) -> Any:
    """The function of an address and a count of numbers."""
    function = ir.Function(module, ir.FunctionType(_NUMBER, [_NUMBER.as_pointer(), _INT]), _NAME)
    function.linkage = "internal"
    first, n = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    with builder.if_then(builder.icmp_unsigned(">", n, _INT(BLOCK)), likely=False):
        half = builder.and_(builder.lshr(n, _INT(1)), _INT(-LANES))
        lower = builder.call(function, [first, half])
        builder.ret(builder.fadd(lower, builder.call(function, [builder.gep(first, [half]), builder.sub(n, half)])))
    builder.ret(_block_sum(builder, first, n))
    return function


def _block_sum(builder: Any, first: Any, n: Any) -> Any:
    """Of at most 128 numbers: those beyond the last eight are added one by one."""
    eights = builder.and_(n, _INT(-LANES))

    def eight_from(place: Any) -> Any:
        return builder.load(builder.bitcast(builder.gep(first, [place]), _LANES.as_pointer()), align=_BYTES)

    running = cgutils.alloca_once_value(builder, ir.Constant(_LANES, [0.0] * LANES))
    with builder.if_then(builder.icmp_unsigned("!=", eights, _INT(0))):
        builder.store(eight_from(_INT(0)), running)
        with cgutils.for_range_slice(builder, _INT(LANES), eights, _INT(LANES)) as (place, _):
            builder.store(builder.fadd(builder.load(running), eight_from(place)), running)
    sums = [builder.extract_element(builder.load(running), ir.IntType(32)(i)) for i in range(LANES)]
    while len(sums) > 1:
        sums = [builder.fadd(sums[i], sums[i + 1]) for i in range(0, len(sums), 2)]
    total = cgutils.alloca_once_value(builder, sums[0])
    with cgutils.for_range_slice(builder, eights, n, _INT(1)) as (place, _):
        builder.store(builder.fadd(builder.load(total), builder.load(builder.gep(first, [place]))), total)
    return builder.load(total)
