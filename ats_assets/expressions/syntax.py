"""The syntax tree of a factor expression, and how it is written out again."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Literal:
    """A number. Whether it was written as a whole number matters to windows and lags."""

    value: int | float
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the panel: `$close`."""

    name: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"${self.name}"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol of the panel: `SPY`, or `'BRK.B'` in quotes."""

    name: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        quote = '"' if "'" in self.name else "'"
        return f"{quote}{self.name}{quote}"


@dataclass(frozen=True, slots=True)
class Negation:
    """A minus sign before an operand."""

    operand: "SyntaxNode"
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"-{_bracketed(self.operand)}"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands with a sign between them: `$high - $low`."""

    sign: str
    left: "SyntaxNode"
    right: "SyntaxNode"
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{_bracketed(self.left)} {self.sign} {_bracketed(self.right)}"


@dataclass(frozen=True, slots=True)
class Call:
    """An operator with its arguments: `Mean($close, 5)`."""

    name: str
    arguments: tuple["SyntaxNode", ...]
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


SyntaxNode = Literal | Field | Symbol | Negation | Binary | Call


def _bracketed(node: SyntaxNode) -> str:
    simple = isinstance(node, Field | Call) or (isinstance(node, Literal) and not str(node).startswith("-"))
    return str(node) if simple else f"({node})"


def operands(node: SyntaxNode) -> tuple[SyntaxNode, ...]:
    """What a node is made of, from left to right."""
    match node:
        case Negation():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case _:
            return ()


def walk(node: SyntaxNode) -> Iterator[tuple[SyntaxNode, int]]:
    """Every node of a tree with its depth (the root's is 1), without recursion: a tree may be deeper than Python's stack."""
    stack = [(node, 1)]
    while stack:
        current, depth = stack.pop()
        yield current, depth
        stack.extend((child, depth + 1) for child in operands(current))
