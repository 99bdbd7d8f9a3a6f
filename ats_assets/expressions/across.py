"""Operators that look beyond a symbol's own past: at another symbol, at all symbols of a session, at later sessions.

The machine sees one symbol's rows up to the current one. So such an operand becomes a column of its own in an earlier stage, which is then laid out again
over the panel's rows and read as a field. Whatever is made of one other symbol's series alone is made of that symbol's rows, and laid out last: so
`Mean(Mask($close, SPY), 5)` is SPY's mean whether or not the symbol at hand has rows. Likewise a value k sessions ahead is the value of the
session k later, so that what is made of it needs no look ahead of its own.
"""

from dataclasses import replace

from ats_assets.expressions.builder import Builder, PanelColumn, Staged
from ats_assets.expressions.opcodes import Op
from ats_assets.expressions.series import Operand, Series, ValueKind


def field_of(builder: Builder, name: str) -> Series:
    """A column of the panel."""
    return Series(builder.field(name), ValueKind.SINGLE, missing_without_row=True, missing_without_rows=True)


def masked(_builder: Builder, x: Series, symbol: str) -> Series:
    """The series of another symbol; one that is another symbol's already stays so."""
    return replace(x, symbol=x.symbol or symbol)


def mask_of(builder: Builder, symbol: str, x: Series) -> Series:
    """`masked` with its arguments in the other order."""
    return masked(builder, x, symbol)


def cross_section(name: str, builder: Builder, *operands: Operand) -> Series:
    """A statistic of a session's rows; a number among the operands is the same group for all."""
    columns = (PanelColumn(x.node, x.symbol, x.ahead) for x in operands if isinstance(x, Series))
    return _staged(builder, Staged(name, tuple(columns)))


def in_place(builder: Builder, x: Series) -> Series:
    """A series whose value is found in the symbol's own row of the session."""
    if x.symbol is None and not x.ahead:
        return x
    return replace(_staged(builder, Staged("column", (PanelColumn(x.node, x.symbol, x.ahead),))), kind=x.kind)


def own(builder: Builder, x: Series, ahead: int) -> Series:
    """Another symbol's series as one of the symbol at hand, `ahead` sessions ahead; missing in a session without a row of either."""
    if x.symbol is None:
        return x
    shift = x.ahead - ahead
    if x.kind is ValueKind.DOUBLE:
        return replace(_in_parts(builder, x, shift), ahead=ahead)
    laid_out = _staged(builder, Staged("column", (PanelColumn(x.node, x.symbol, shift),)))
    if x.is_condition:  # not missing but false where a row is missing
        holds = builder.emit(Op.STARTED, builder.emit(Op.GT, laid_out.node, builder.zero), builder.started)
        return Series(holds, ValueKind.CONDITION, missing_without_row=False, missing_without_rows=False, ahead=ahead)
    return replace(laid_out, ahead=ahead)


def _in_parts(builder: Builder, x: Series, shift: int) -> Series:
    """A float64 series by way of three float32 columns, which together hold it to the bit."""
    parts: list[int] = []
    rest = x.node
    for _ in range(3):
        part = builder.emit(Op.ADD, rest, builder.zero, rounded=True)
        rest = builder.emit(Op.FINITE_OR_ZERO, builder.emit(Op.SUBTRACT, rest, part))
        parts.append(_staged(builder, Staged("column", (PanelColumn(part, x.symbol, shift),))).node)
    whole = builder.emit(Op.ADD, builder.emit(Op.ADD, parts[0], parts[1]), parts[2])
    return Series(whole, ValueKind.DOUBLE, missing_without_row=True, missing_without_rows=True)


def _staged(builder: Builder, staged: Staged) -> Series:
    return Series(builder.staged(staged), ValueKind.SINGLE, missing_without_row=True, missing_without_rows=True)
