"""What numba has no words for: a stretch of a register without counting its owners, and a vector of values in the processor's registers.

A slice of an array counts one more owner of its memory, and one less when it is done: two locked additions, which take as long as the arithmetic on a few hundred values. `stretch` is a
slice that owns nothing; whoever holds the registers keeps them until the kernels have returned.
"""

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

PARTS: Final = 8
"""Sorted windows that `replace_in_sorted` moves at once; a vector of so many float64 is one of AVX-512's, or two of AVX2's."""


def _intrinsic(written: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's, but for a type checker: whoever calls such a function gives all but the context."""
    return intrinsic(written)


@_intrinsic
def stretch(_context, registers, register, first, last):
    """The values `first` to `last - 1` of a register, as an array that does not own its memory."""
    row = types.Array(registers.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place, begin, end = (context.cast(builder, arguments[i], signature.args[i], types.intp) for i in (1, 2, 3))
        width = cgutils.unpack_tuple(builder, array.shape)[1]
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(registers.dtype)))
        data = builder.gep(array.data, [builder.add(builder.mul(place, width), begin)])
        made = context.make_array(row)(context, builder)
        shape, strides = [builder.sub(end, begin)], [size]
        context.populate_array(made, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
        return made._getvalue()

    return row(registers, register, first, last), generate


@_intrinsic
def replace_in_sorted(_context, windows, rows, values, entering, leaving):
    """In `PARTS` sorted windows side by side one value each is replaced by another.

    With u[k] = s[k] where s[k] is below the value that leaves, else s[k + 1], the new window is max(u[k - 1], min(entering, u[k])): each step takes what memory holds, and no step waits for
    the one before it.

    Parameters
    ----------
    windows : float64 array of shape ((rows + 1) * PARTS,)
        Ascending by row; the last row is inf.
    values : float64 array of shape (n * PARTS,)
        No NaN.
    entering, leaving
        Rows of `values`. What leaves is in the window, or inf where the window has inf to spare.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.DoubleType(), PARTS)

        def data(i: int) -> Any:
            return builder.bitcast(context.make_array(signature.args[i])(context, builder, arguments[i]).data, vector.as_pointer())

        def number(i: int) -> Any:
            return context.cast(builder, arguments[i], signature.args[i], types.intp)

        window = data(0)
        coming, going = (builder.load(builder.gep(data(2), [number(i)]), align=8) for i in (3, 4))
        before = cgutils.alloca_once_value(builder, ir.Constant(vector, [float("-inf")] * PARTS))
        current = cgutils.alloca_once_value(builder, builder.load(window, align=8))
        one = context.get_constant(types.intp, 1)
        with cgutils.for_range(builder, number(1)) as loop:
            here, lower = builder.load(current), builder.load(before)
            following = builder.load(builder.gep(window, [builder.add(loop.index, one)]), align=8)
            kept = builder.select(builder.fcmp_ordered("<", here, going), here, following)
            least = builder.select(builder.fcmp_ordered("<", coming, kept), coming, kept)
            builder.store(builder.select(builder.fcmp_ordered(">", least, lower), least, lower), builder.gep(window, [loop.index]), align=8)
            builder.store(kept, before)
            builder.store(following, current)
        return context.get_dummy_value()

    return types.void(windows, rows, values, entering, leaving), generate
