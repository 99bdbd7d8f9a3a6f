"""Replies as messages: never too long, never broken by what is in them, nothing dropped in silence."""

from hypothesis import given
from hypothesis import strategies as st

from ats_assets.bots.rendering import DISCORD, PARTS, TELEGRAM, Dialect, rendered, table_text
from ats_assets.bots.reply import Reply, ReplyTable, said, tabled
from ats_assets_tests.bots.telegram_double import is_html

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    ["<b>&", "&amp;" * 300, "```", "@everyone <@&1>", "😀" * 1500]
)
REPLIES = st.builds(
    Reply,
    title=TEXTS,
    lines=st.lists(TEXTS, max_size=40).map(tuple),
    table=st.none() | st.lists(st.tuples(TEXTS, TEXTS), max_size=60).map(lambda rows: tabled(("a", "b"), rows, 50)),
)


def length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(REPLIES)
def test_each_part_fits_and_is_whole(reply: Reply) -> None:
    for dialect in (TELEGRAM, DISCORD):
        parts = rendered(reply, dialect)
        assert len(parts) <= PARTS + 1
        assert all(length(part) <= dialect.longest for part in parts)
    assert all(is_html(part) for part in rendered(reply, TELEGRAM))


def test_what_does_not_fit_is_counted() -> None:
    many = said("Audit", *("x" * 900 for _ in range(40)))
    for dialect in (TELEGRAM, DISCORD):
        parts = rendered(many, dialect)
        told = sum(part.count("x" * 900) for part in parts)
        assert parts[-1].endswith(f"... {40 - told} more lines")
    rows = tabled(("symbol", "shares"), [("A" * 90, 3)] * 60, 60)
    (block,) = rendered(Reply(table=rows), DISCORD)
    assert f"... {60 - block.count('A' * 90)} more" in block


def test_columns_of_numbers_stand_right() -> None:
    table = ReplyTable(("symbol", "weight"), (("AAPL", "7.9%"), ("MSFT", "-12.5%"), ("X", "-")))
    assert table_text(table).splitlines() == ["symbol weight", "AAPL     7.9%", "MSFT   -12.5%", "X           -"]


def test_discord_s_marks_are_taken_literally() -> None:
    assert rendered(said("", "# <@1> *a* `b` ||c||"), DISCORD) == [r"\# \<@1\> \*a\* \`b\` \|\|c\|\|"]


def test_a_dialect_cuts_before_it_escapes() -> None:
    small = Dialect(100, TELEGRAM.escape, TELEGRAM.bold, TELEGRAM.block)
    assert all(is_html(part) for part in rendered(said("&" * 500, "&" * 500), small))
