"""Families in files: what is read, and that what is wrong is said with file, line and place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import AtsError, ExpressionError, FeatureError, LookAheadError
from ats_assets.features import compute, read_checked_family, read_family
from ats_assets_tests.expressions.panels import random_walks, same_bits

WHOLE = """
description = "Moves"   # a comment
[terms]
n = "3"
gain = "$close / Ref($close, $n) - 1"
twice = "2 * $gain"
[features]
A = "$twice / $high"
B = "Mean($gain, 5)"
C = "$open"
[descriptions]
A = "a"
"""


def write(folder: Path, text: str, name: str = "mine") -> Path:
    file = folder / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_is_read() -> None:
    family = read_family(WHOLE, "moves", "moves.toml")
    assert (family.name, family.description, family.origin) == ("moves", "Moves", "moves.toml")
    assert dict(family.expressions) == {
        "A": "(2 * (($close / Ref($close, 3)) - 1)) / $high",
        "B": "Mean(($close / Ref($close, 3)) - 1, 5)",
        "C": "$open",
    }
    assert family.descriptions == {"A": "a"}


def test_terms_are_what_is_written_in_their_place() -> None:
    """A term stands for its whole value, as if in brackets; one may be a number, and a condition."""
    text = """
    [terms]
    diff = "$close - $open"
    days = "7"
    up = "$diff > 0"
    [features]
    RATIO = "$volume / $diff"
    MINUS = "$high - $diff"
    POWER = "$diff ** 2"
    NEGATIVE = "-$diff"
    WINDOW = "Mean($diff, $days)"
    SHARE = "Mean($up, $days)"
    BOTH = "If($up & ($volume > 0), $diff, $days)"
    """
    d = "($close-$open)"
    plain = {
        "RATIO": f"$volume/{d}",
        "MINUS": f"$high-{d}",
        "POWER": f"{d}**2",
        "NEGATIVE": f"-{d}",
        "WINDOW": f"Mean({d}, 7)",
        "SHARE": f"Mean({d} > 0, 7)",
        "BOTH": f"If(({d} > 0) & ($volume > 0), {d}, 7)",
    }
    bars = random_walks(4, 40, seed=2)
    assert same_bits(compute(bars, read_family(text, "mine", "mine.toml").expressions), compute(bars, plain))


def test_expressions_without_terms_stay_as_they_are_written() -> None:
    odd = "Mean( $close ,5 )/$close"
    assert read_family(f'[features]\nA = "{odd}"', "mine", "mine.toml").expressions["A"] == odd


REFUSED = {
    "no TOML": ("[features\n", "mine.toml is not a TOML file"),
    "a factor twice": ('[features]\nA = "$close"\nA = "$open"\n', "gives a name twice: .*line 3"),
    "no factors": ('description = "x"\n', "has no factors"),
    "an entry of no meaning": ('[feature]\nA = "$close"\n', r"unknown entry `feature`; there are description, frame, \[terms\]"),
    "a flat file": ('A = "$close"\n', r"unknown entry `A`; there are description, frame, \[terms\], \[features\]"),
    "features that are no table": ('features = "$close"\n', "`features` has to be a table"),
    "a number": ('[features]\nA = "$close"\nB = 5\n', r"line 3: B in \[features\] has to be a text"),
    "a table in a table": ('[features]\nA.B = "$close"\n', r"A in \[features\] has to be a text"),
    "a description that is no text": ('description = 1\n[features]\nA = "$close"\n', "description has to be a text"),
    "a term with the name of a column": ('[terms]\nclose = "$open"\n[features]\nA = "$close"\n', "the term close has the name of a column"),
    "a term with the name of a factor": ('[terms]\nA = "$open"\n[features]\nA = "$close"\n', "has the name of a factor of this file"),
    "a term with a hyphen": ('[terms]\na-b = "$open"\n[features]\nA = "$close"\n', "'a-b' can't be a term's name"),
    "a key": ('[features]\nsymbol = "$close"\n', "can't be named symbol"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_no_family_is_refused(tmp_path: Path, kind: str) -> None:
    text, message = REFUSED[kind]
    file = write(tmp_path, text)
    with pytest.raises(FeatureError, match=message) as caught:
        read_checked_family(file)
    assert str(caught.value).startswith(str(file))


PLACES = {
    "syntax": ("Mean($close, 5", ExpressionError, "expected `)`", 15),
    "field": ("$close / $clsoe", ExpressionError, r"there is no field `$clsoe`; did you mean $close?", 10),
    "operator": ("$close / Maen($close, 5)", ExpressionError, "there is no operator `Maen`; did you mean `Mean`?", 10),
    "arity": ("1 + Mean($close)", ExpressionError, "`Mean` takes 2 arguments", 5),
    "window": ("Mean($close, 0)", ExpressionError, "has to be from 1 to", 14),
    "future": ("Ref($close, -1) / $close", LookAheadError, "looks into the future", 13),
    "number": ("1 + 2", ExpressionError, "an expression needs a field", 3),
    "empty": ("", ExpressionError, "found the end of the expression", 1),
    "nested": ("(" * 300 + "$close" + ")" * 300, ExpressionError, "nested deeper than", 101),
}


@pytest.mark.parametrize("kind", PLACES)
def test_a_fault_in_an_expression_is_said_with_file_line_and_place(tmp_path: Path, kind: str) -> None:
    expression, error, message, column = PLACES[kind]
    file = write(tmp_path, f'# mine\n[features]\nGOOD = "$close"\n\n  BAD = "{expression}"\n')
    with pytest.raises(error) as caught:
        read_checked_family(file)
    text = str(caught.value)
    assert text.startswith(f"{file}, line 5, BAD: ")
    assert message in text
    assert f"(at character {column})" in text


def test_a_fault_in_a_term_is_said_at_the_term(tmp_path: Path) -> None:
    file = write(tmp_path, '[terms]\ngain = "$close / $opne"\n[features]\nA = "$gain"\n')
    with pytest.raises(ExpressionError, match=r"line 2, gain: there is no field `\$opne`; did you mean \$open\?"):
        read_checked_family(file)


def test_a_term_may_use_those_above_it_only(tmp_path: Path) -> None:
    file = write(tmp_path, '[terms]\na = "$b"\nb = "$close"\n[features]\nA = "$a"\n')
    with pytest.raises(ExpressionError, match=r"line 2, a: there is no field `\$b`"):
        read_checked_family(file)


@pytest.mark.parametrize(("step", "message"), [("${0} + ${0}", "more than 10000 parts"), ("Abs(Abs(Abs(${0})))", "more than 100 levels")])
def test_terms_of_terms_without_end_are_refused(tmp_path: Path, step: str, message: str) -> None:
    chain = ['t0 = "$close"'] + [f't{i} = "{step.format(f"t{i - 1}")}"' for i in range(1, 60)]
    file = write(tmp_path, "[terms]\n" + "\n".join(chain) + '\n[features]\nA = "$t59"\n')
    with pytest.raises(ExpressionError, match=message):
        read_checked_family(file)


def test_a_file_that_can_t_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FeatureError, match=r"mine\.toml can't be read"):
        read_checked_family(tmp_path / "mine.toml")
    with pytest.raises(FeatureError, match=r"none\.toml can't be read"):
        read_checked_family(tmp_path / "none.toml")


@given(
    st.text(max_size=60)
    | st.from_regex(r"\[(terms|features|descriptions)\]\n([a-zA-Z]{1,3} = \"[$A-Za-z(),5+ ]{0,20}\"\n){1,3}", fullmatch=True)
)
def test_any_text_is_a_family_or_a_clear_error(text: str) -> None:
    try:
        assert read_family(text, "mine", "mine.toml").expressions
        said = ""
    except AtsError as error:
        said = str(error)
    assert not said or said.startswith("mine.toml")
