import copy
import logging
import pickle
import traceback

import pytest

from ats_assets.errors import SettingsError
from ats_assets.vendors.alpaca import read_credentials, which_are_set
from ats_assets_tests.alpaca_double import KEY_ID, SECRET_KEY
from ats_assets_tests.vendors.alpaca.connections import ENVIRONMENT, keys


def shown(text: str) -> bool:
    return KEY_ID in text or SECRET_KEY in text


def fail(found: object) -> None:
    raise ValueError("of a key", found)


def test_the_keys_come_from_the_environment() -> None:
    assert keys().key_id.reveal() == KEY_ID
    assert keys().secret_key.reveal() == SECRET_KEY
    assert which_are_set(ENVIRONMENT) == {"APCA_API_KEY_ID": True, "APCA_API_SECRET_KEY": True}
    assert which_are_set({"APCA_API_KEY_ID": " "}) == {"APCA_API_KEY_ID": False, "APCA_API_SECRET_KEY": False}


@pytest.mark.parametrize("missing", list(ENVIRONMENT))
def test_a_missing_key_is_named_and_the_other_is_not_shown(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing) as caught:
        read_credentials({name: value for name, value in ENVIRONMENT.items() if name != missing})
    assert not shown(str(caught.value))


def test_a_key_that_can_not_be_one_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError, match="APCA_API_SECRET_KEY holds characters") as caught:
        read_credentials(ENVIRONMENT | {"APCA_API_SECRET_KEY": f"{SECRET_KEY}\nX-Other: 1"})
    assert not shown(str(caught.value))


def test_nothing_shows_a_key(caplog: pytest.LogCaptureFixture) -> None:
    found = keys()
    for text in (
        repr(found),
        str(found),
        f"{found.secret_key!r} {found.key_id}",
        str(vars(found)),
        ascii(found.key_id),
    ):
        assert not shown(text)
    logging.getLogger("x").warning("%s %r", found, found)
    assert not shown(caplog.text)
    for make in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            make(found)
    with pytest.raises(ValueError, match="of a key") as caught:
        fail(found)
    assert not shown("".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()))


def test_what_a_server_says_is_scrubbed() -> None:
    assert keys().scrub(f"key {KEY_ID} with {SECRET_KEY} is wrong") == "key *** with *** is wrong"
