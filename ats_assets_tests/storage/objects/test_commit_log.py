"""Records of the log that other versions of the package wrote."""

import json

import pytest

from ats_assets.errors import ObjectStoreError
from ats_assets.storage.objects.commit_log import LogRecord, StoredObject


def test_a_record_of_an_earlier_version_is_read_and_one_of_a_later_is_said_to_be_one() -> None:
    record = LogRecord(id="a", writer="w", stored={"bars": StoredObject("ab", 1, "e", 2, "said")})
    assert LogRecord.of(record.encoded(), "log/1").stored["bars"].said == "said"
    values = json.loads(record.encoded())
    values["stored"]["bars"] = ["ab", 1, "e", 2]
    assert LogRecord.of(json.dumps(values).encode(), "log/1").stored == record.stored
    for later in (values | {"more": 1}, values | {"stored": {"bars": ["ab", 1, "e", 2, "said", "more"]}}):
        with pytest.raises(ObjectStoreError, match=r"^log/1 is no .* that this version of the package reads .*: a later one wrote it, or"):
            LogRecord.of(json.dumps(later).encode(), "log/1")
