"""Sealed contents: one changed byte is found wherever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.storage.sealed_file import BLANK, is_intact, is_sealed, seal

PLACES = st.sampled_from([b'"file_sha256":"' + BLANK.encode() + b'"', b'"file_sha256": "' + BLANK.encode() + b'"'])


@given(st.binary(max_size=200), PLACES, st.binary(max_size=200).filter(lambda tail: b"file_sha256" not in tail), st.data())
def test_what_was_sealed_is_intact_until_a_byte_changes(head: bytes, place: bytes, tail: bytes, data: st.DataObject) -> None:
    sealed, sha256 = seal(head + place + tail)
    assert len(sealed) == len(head + place + tail)
    assert sealed == (head + place + tail).replace(place, place.replace(BLANK.encode(), sha256.encode()))
    assert is_sealed(sealed)
    assert is_intact(sealed)
    where = data.draw(st.integers(0, len(sealed) - 1))
    byte = data.draw(st.integers(1, 255))
    assert not is_intact(sealed[:where] + bytes([sealed[where] ^ byte]) + sealed[where + 1 :])


@pytest.mark.parametrize("content", [b"", b"PAR1", b'"file_sha256":', b'"file_sha256":"abc"', b'"file_sha256":"' + b"1" * 64 + b'"'])
def test_what_has_no_blank_place_can_not_be_sealed(content: bytes) -> None:
    with pytest.raises(ValueError, match="no blank place"):
        seal(content)
    assert not is_intact(content)
