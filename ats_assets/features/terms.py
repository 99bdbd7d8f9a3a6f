"""Terms: parts of expressions with a name, which a family defines once and writes like fields, `$true_range`.

They are put in before anything is compiled. A part that occurs in several factors is computed once anyway; a term spares the reader, not the machine.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from ats_assets.expressions import MAX_DEPTH, parse
from ats_assets.expressions.complaints import complaint
from ats_assets.expressions.syntax import Binary, Call, Field, Negation, SyntaxNode, walk

MAX_NODES: Final = 10_000
"""Fields, numbers, signs and operators of an expression with its terms put in: terms made of terms can double without end."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """An expression with its terms put in: its text (as it was written, if it has none), its tree, and the tree's nodes and levels."""

    text: str
    node: SyntaxNode
    nodes: int
    depth: int


def expand(text: str, terms: Mapping[str, Expanded], fields: AbstractSet[str]) -> Expanded:
    """Put the terms into an expression.

    Parameters
    ----------
    terms
        Those that it may use.
    fields
        The columns of the bars; every other `$name` is a term.

    Raises
    ------
    ExpressionError
        If the text is no expression, names neither a field nor a term, or becomes too long or too deep; the message points at the place.
    """
    node = parse(text)
    nodes, deepest, used = 0, 0, False
    for part, depth in walk(node):
        term = terms.get(part.name) if isinstance(part, Field) else None
        if isinstance(part, Field) and term is None and part.name not in fields:
            raise complaint(_unknown(part.name, terms, fields), text, part.position)
        used = used or term is not None
        nodes += term.nodes if term else 1
        deepest = max(deepest, depth + (term.depth - 1 if term else 0))
        if nodes > MAX_NODES or deepest > MAX_DEPTH:
            much = f"more than {MAX_NODES} parts" if nodes > MAX_NODES else f"more than {MAX_DEPTH} levels"
            raise complaint(f"with its terms put in, the expression has {much}; make it shorter", text, part.position)
    if not used:
        return Expanded(text, node, nodes, deepest)
    node = _put_in(node, terms)
    return Expanded(str(node), node, nodes, deepest)


def _unknown(name: str, terms: Mapping[str, Expanded], fields: AbstractSet[str]) -> str:
    known = [*sorted(fields), *terms]
    similar = get_close_matches(name, known, n=1)
    advice = f"did you mean ${similar[0]}?" if similar else f"known are {', '.join(f'${each}' for each in known)}"
    return f"there is no field `${name}`; {advice}"


def _put_in(node: SyntaxNode, terms: Mapping[str, Expanded]) -> SyntaxNode:
    match node:
        case Field(name):
            return terms[name].node if name in terms else node
        case Negation():
            return replace(node, operand=_put_in(node.operand, terms))
        case Binary():
            return replace(node, left=_put_in(node.left, terms), right=_put_in(node.right, terms))
        case Call():
            return replace(node, arguments=tuple(_put_in(each, terms) for each in node.arguments))
        case _:
            return node
