"""The parser: what it reads, in which order signs bind, and what it refuses."""

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ats_assets.errors import ExpressionError
from ats_assets.expressions.parser import MAX_DEPTH, MAX_LENGTH, parse
from ats_assets.expressions.syntax import Binary, Call, Field, Literal, Negation, Symbol, SyntaxNode, operands, walk

SIGNS = ["+", "-", "*", "/", "**", "<", "<=", ">", ">=", "==", "!=", "&", "|"]
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
LITERALS = st.builds(
    Literal, st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: len(repr(value)) < 30)
)


SYMBOLS = st.builds(Symbol, NAMES | st.text(max_size=8).filter(lambda text: "\n" not in text and not {"'", '"'} <= set(text)))


def _not_literal(node: SyntaxNode) -> bool:
    return not isinstance(node, Literal)  # a minus sign before a number is part of the number


NODES = st.recursive(
    LITERALS | st.builds(Field, NAMES),
    lambda children: (
        st.builds(Negation, children.filter(_not_literal))
        | st.builds(Binary, st.sampled_from(SIGNS), children, children)
        | st.builds(Call, NAMES, st.lists(children | SYMBOLS, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=30,
)


@given(NODES)
def test_what_is_written_out_is_read_again(node: SyntaxNode) -> None:
    assert parse(str(node)) == node


@given(NODES)
def test_a_node_knows_its_place(node: SyntaxNode) -> None:
    text = str(node)
    for part, _ in walk(parse(text)):
        mark = {Field: "$", Negation: "-", Symbol: str(part)}.get(type(part)) or (
            part.sign if isinstance(part, Binary) else part.name if isinstance(part, Call) else ""
        )
        assert text[part.position :].startswith(mark)


def _shape(node: ast.expr) -> object:
    """A Python tree as nested tuples."""
    match node:
        case ast.BinOp(left, sign, right):
            return (type(sign).__name__, _shape(left), _shape(right))
        case ast.Compare(left, [sign], [right]):
            return (type(sign).__name__, _shape(left), _shape(right))
        case ast.UnaryOp(ast.USub(), operand):
            return ("USub", _shape(operand))
        case ast.Name(name):
            return name
    raise AssertionError(ast.dump(node))


PYTHON = dict(zip(SIGNS, ["Add", "Sub", "Mult", "Div", "Pow", "Lt", "LtE", "Gt", "GtE", "Eq", "NotEq", "BitAnd", "BitOr"], strict=True))


def _our_shape(node: SyntaxNode) -> object:
    match node:
        case Binary(sign, left, right):
            return (PYTHON[sign], _our_shape(left), _our_shape(right))
        case Negation(operand):
            return ("USub", _our_shape(operand))
        case Field(name):
            return name
    raise AssertionError(node)


@given(st.lists(st.tuples(st.sampled_from(SIGNS), st.sampled_from(["", "-", "--"])), min_size=1, max_size=8))
@example([("**", "-"), ("**", ""), ("-", "-")])
def test_signs_bind_as_in_python(chain: list[tuple[str, str]]) -> None:
    """Python's own parser is the judge; where it reads a chain of comparisons, ours refuses."""
    text = "$a" + "".join(f" {sign} {minus}$b" for sign, minus in chain)
    expected = ast.parse(text.replace("$", ""), mode="eval").body
    if any(isinstance(part, ast.Compare) and len(part.ops) > 1 for part in ast.walk(expected)):
        with pytest.raises(ExpressionError, match="can't be chained"):
            parse(text)
    else:
        assert _our_shape(parse(text)) == _shape(expected)


@given(st.text() | st.text(alphabet="$close()Ref,*+-/<>=&|!. 0123456789e\n\t", max_size=60))
@example("²")
@example("1e999")
@example("$")
@example("9" * 5000)
def test_random_text_gives_a_tree_or_a_clear_error(text: str) -> None:
    try:
        node = parse(text)
    except ExpressionError as error:
        message = str(error)
        assert message.count("\n") == 2
        assert message.endswith("^")
    else:
        assert parse(str(node)) == node


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("", "expected a field, a number, an operator or a bracket, found the end of the expression", 0),
        ("$close +", "found the end of the expression", 8),
        ("($close", r"expected `\)` to close the bracket, the expression ends", 7),
        ("$close)", r"`\)` closes no bracket", 6),
        ("$close $open", r"`\$open` was not expected after a complete expression", 7),
        ("Mean($close 5)", r"expected `\)` to close the arguments of `Mean`, found `5`", 12),
        ("Mean()", r"found `\)`", 5),
        ("close + 1", r"expected `\(` after the operator `close` \(a field is written \$close\)", 6),
        ("$close ? 1", r"'\?' has no meaning here", 7),
        ("$1", r"a field is `\$` and a name", 0),
        ("$a < $b < $c", "comparisons can't be chained", 8),
        ("1e400", "1e400 is too large", 0),
        ("Mask($close, 'SPY)", "the quote is not closed", 13),
        ("'SPY' + 1", "expected a field, a number, an operator or a bracket, found `'SPY'`", 0),
        ("$$roe", "point-in-time fields .* are not supported", 0),
    ],
)
def test_errors_point_at_their_place(text: str, message: str, column: int) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        parse(text)
    _, line, caret = str(caught.value).split("\n")
    assert line == f"  {text}"
    assert caret.index("^") == column + 2


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "(" * 10_000 + "$a" + ")" * 10_000, "-" * 10_000 + "$a", "Abs(" * 10_000, "$a" + " ** $a" * 10_000]
)
def test_deep_nesting_is_a_clear_error(text: str) -> None:
    with pytest.raises(ExpressionError, match=f"nested deeper than {MAX_DEPTH} levels"):
        parse(text)


def test_long_chains_are_deep_trees() -> None:
    with pytest.raises(ExpressionError, match="nested deeper"):
        parse("$a" + " + $a" * 19_000)
    assert max(depth for _, depth in walk(parse("$a" + " + $a" * (MAX_DEPTH - 1)))) == MAX_DEPTH


def test_symbols_are_whole_arguments() -> None:
    for text in ("Mask($a, SPY)", "Mask($a, 'SPY')", 'Mask($a, "SPY" )'):
        assert parse(text) == Call("Mask", (Field("a"), Symbol("SPY")))
    assert parse("Mask($a, 'Ünï, (B)')") == Call("Mask", (Field("a"), Symbol("Ünï, (B)")))


def test_very_long_expressions_are_refused_at_once() -> None:
    with pytest.raises(ExpressionError, match=f"the expression has 50000000 characters; {MAX_LENGTH} are the most"):
        parse("$a" * 25_000_000)
    assert len(str(parse("(" + " + ".join(["Mean($a, 5)"] * 90) + ")"))) > 900


def test_operands_are_in_order() -> None:
    node = parse("If($a > 1, -$b, 2 * $c)")
    assert list(map(str, operands(node))) == ["$a > 1", "-$b", "2 * $c"]
