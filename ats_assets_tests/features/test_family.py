"""What a family is, and which names it may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.bars import BARS_SCHEMA
from ats_assets.errors import FeatureError
from ats_assets.features import FIELDS, FeatureFamily, lookback
from ats_assets.features.built_in import FAMILIES

CLOSE = "$close / Ref($close, 1)"


def family(**changes: object) -> FeatureFamily:
    return FeatureFamily(**{"name": "mine", "expressions": {"A": CLOSE}, "origin": "features/mine.toml", **changes})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "My factors"}, r"features/mine.toml: 'My factors' can't be a family's name: use lower-case"),
        ({"name": "9lives"}, "can't be a family's name"),
        ({"name": ""}, "can't be a family's name"),
        ({"expressions": {}}, "the family mine has no factors"),
        ({"expressions": {"A": CLOSE, "session": CLOSE}}, "can't be named session: that is a key"),
        ({"expressions": {"Symbol": CLOSE}}, "can't be named Symbol"),
        ({"expressions": {"A": CLOSE, "B": CLOSE, "a": CLOSE}}, "A and a differ in case only"),
        ({"expressions": {"A B": CLOSE}}, "'A B' can't be a factor's name"),
        ({"expressions": {"A" * 65: CLOSE}}, "can't be a factor's name"),
        ({"expressions": {"Ä": CLOSE}}, "can't be a factor's name"),
        ({"descriptions": {"B": "what?"}}, "a description is given for 'B', but no factor has that name"),
        ({"descriptions": {"A#": "what?"}}, "given for 'A#'"),
    ],
)
def test_names_that_will_not_do_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        family(**changes)


@given(st.text(max_size=8))
def test_any_factor_name_is_taken_or_refused_clearly(name: str) -> None:
    allowed = name.isascii() and name.isidentifier()
    if allowed:
        assert list(family(expressions={name: CLOSE}).expressions) == [name]
    else:
        with pytest.raises(FeatureError, match=r"features/mine.toml: .* can't be a factor's name: use letters"):
            family(expressions={name: CLOSE})


def test_a_description_with_a_number_is_that_of_every_number() -> None:
    made = family(
        expressions=dict.fromkeys(["MA5", "MA10", "MA", "XMA5", "MA5_20", "OWN5"], CLOSE),
        descriptions={"MA#": "mean of # sessions (#)", "OWN5": "its own", "OWN#": "of all", "MA#_20": "# over 20"},
    )
    assert [each.description for each in made.features] == [
        "mean of 5 sessions (5)",
        "mean of 10 sessions (10)",
        "",
        "",
        "5 over 20",
        "its own",
    ]


def test_the_registry_has_name_family_expression_lookback_and_description() -> None:
    made = family(expressions={"A": CLOSE, "B": "Mean($volume, 20)"}, descriptions={"B": "volume of a month"})
    assert [(each.name, each.family, each.expression, each.lookback_sessions, each.description) for each in made.features] == [
        ("A", "mine", CLOSE, 1, ""),
        ("B", "mine", "Mean($volume, 20)", 19, "volume of a month"),
    ]
    assert made.lookback == 19


@pytest.mark.parametrize("name", FAMILIES)
def test_every_built_in_factor_is_described_and_compiles(name: str) -> None:
    built_in = FAMILIES[name]
    assert built_in.name == name
    assert len(built_in.description) > 30
    assert not [each.name for each in built_in.features if not each.description]
    assert built_in.lookback == max(each.lookback_sessions for each in built_in.features) == lookback(built_in.expressions)


def test_the_fields_are_the_numbers_of_the_bars() -> None:
    assert {name for name, dtype in BARS_SCHEMA.items() if dtype.is_numeric()} == FIELDS
