"""Digests of windows as differences of sums: the same as the digest of the partitions in the window."""

from hypothesis import given
from hypothesis import strategies as st

from ats_assets.storage.digests import WindowDigests, set_digest

VERSIONS = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=12)


@given(VERSIONS, st.integers(-5, 15), st.integers(-5, 15))
def test_a_window_has_the_digest_of_what_lies_in_it(versions: list[str | None], first: int, last: int) -> None:
    sessions = [(f"s{i:02}", version) for i, version in enumerate(versions)]
    inside = {key: version for i, (key, version) in enumerate(sessions) if first <= i <= last and version is not None}
    assert WindowDigests(sessions).window(first, last) == set_digest(inside)


@given(st.dictionaries(st.text(), st.text(), max_size=6), st.dictionaries(st.text(), st.text(), max_size=6))
def test_only_equal_sets_have_equal_digests(one: dict[str, str], other: dict[str, str]) -> None:
    assert (set_digest(one) == set_digest(other)) == (one == other)
    assert set_digest(dict(reversed(one.items()))) == set_digest(one)
