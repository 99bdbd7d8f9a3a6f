"""Keys of vendors: where they come from, and when there are two."""

import pickle
from pathlib import Path

import pytest

from ats_assets.errors import SettingsError
from ats_assets.secrecy import redacted
from ats_assets.vendors.credentials import VendorKeys

KEY, OTHER = "kEyOfTheVendor0123456789", "nExTkEyOfTheVendor987654"


def shown(keys: VendorKeys) -> list[str]:
    return [key.reveal() for key in keys.now()]


def test_a_key_is_found_under_its_name_an_older_one_or_in_a_file(tmp_path: Path):
    file = tmp_path / "key"
    file.write_text(f"  {KEY}\n")
    older = {"NEW_KEY": ("OLD_KEY",)}
    for environment in (
        {"NEW_KEY": KEY},
        {"OLD_KEY": KEY},
        {"NEW_KEY_FILE": str(file)},
        {"OLD_KEY_FILE": str(file)},
        {"NEW_KEY": KEY, "OLD_KEY": OTHER},
    ):
        keys = VendorKeys("NEW_KEY", older=older, environment=environment)
        assert shown(keys) == [KEY]
        assert keys.which_are_set() == {"NEW_KEY": True}
    assert VendorKeys("NEW_KEY", older=older, environment={}).which_are_set() == {"NEW_KEY": False}


def test_a_file_is_read_again_when_another_key_is_in_it(tmp_path: Path):
    file = tmp_path / "key"
    file.write_text(KEY)
    keys = VendorKeys("A_KEY", environment={"A_KEY_FILE": str(file)})
    assert shown(keys) == [KEY]
    first = keys.now()[0]
    (tmp_path / "new").write_text(OTHER)
    (tmp_path / "new").rename(file)  # as Kubernetes does it
    assert shown(keys) == [OTHER]
    assert first.fingerprint != keys.now()[0].fingerprint
    assert redacted(f"{KEY} {OTHER}") == "*** ***", "a key from a file is a secret wherever it may be said"
    assert keys.scrubber().text(f"{KEY} {OTHER}") == "*** ***", "the old one, too, which a late answer may repeat"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, r"A_KEY is not set: .*A_KEY_FILE. Make one at example.com"),
        ({"A_KEY": f"{KEY} {KEY}"}, "A_KEY holds characters that no key has"),
        ({"A_KEY": f"{KEY}\u00e9"}, "A_KEY holds characters that no key has"),
        ({"A_KEY": KEY, "A_KEY_NEXT": "two words"}, "A_KEY_NEXT holds characters that no key has"),
        ({"A_KEY_FILE": "{folder}/none"}, "A_KEY_FILE names .*none, which is not there"),
        ({"A_KEY_FILE": "{folder}"}, "A_KEY_FILE names .*, which can't be read"),
        ({"A_KEY_FILE": "{folder}/odd"}, "A_KEY_FILE holds characters that no key has"),
        ({"A_KEY_FILE": "{folder}/empty"}, "A_KEY is not set"),
        ({"A_KEY": KEY, "A_KEY_FILE": "{folder}/odd"}, "A_KEY and A_KEY_FILE are both set"),
    ],
)
def test_what_is_no_key_is_said_and_not_shown(environment: dict[str, str], said: str, tmp_path: Path):
    (tmp_path / "odd").write_bytes(b"\xff\xfe" + KEY.encode())
    (tmp_path / "empty").write_text("\n")
    found = {name: text.replace("{folder}", str(tmp_path)) for name, text in environment.items()}
    with pytest.raises(SettingsError, match=said) as caught:
        VendorKeys("A_KEY", why="Make one at example.com", environment=found).now()
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_of_two_parts_is_followed_by_one_of_two_parts():
    environment = {"AN_ID": "id1", "A_SECRET": KEY, "AN_ID_NEXT": "id2"}
    keys = VendorKeys("AN_ID", "A_SECRET", environment=environment)
    assert shown(keys) == ["id1"]
    environment["A_SECRET_NEXT"] = OTHER
    assert shown(keys) == ["id2", "id1"]
    del environment["A_SECRET"]
    assert shown(keys) == ["id2"]
    with pytest.raises(TypeError, match="keys are not pickled"):
        pickle.dumps(keys)
