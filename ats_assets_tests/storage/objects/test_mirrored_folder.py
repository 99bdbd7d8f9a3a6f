"""A warehouse in an object store is the warehouse of a disk: the same bytes, seen by every machine; and what goes wrong is found and mended."""

import contextlib
import importlib
import io
import os
import random
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from moto.s3.responses import S3Response
from polars.testing import assert_frame_equal

from ats_assets.errors import CorruptPartitionError, MissingPartitionError, ObjectStoreError, StoreDeniedError, WrittenMeanwhileError
from ats_assets.settings import BucketUrl
from ats_assets.storage.artefacts import ModelStore, Unavailable
from ats_assets.storage.data_version import data_version
from ats_assets.storage.digests import set_digest
from ats_assets.storage.objects.bucket import Bucket
from ats_assets.storage.objects.commit_log import CONTROL
from ats_assets.storage.objects.mirrored_folder import MirroredFolder
from ats_assets.storage.objects.placeholders import has_bytes, put_placeholder
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.rounds import FULL
from ats_assets_tests.s3_double import BUCKET, BUSY, S3Double
from ats_assets_tests.storage.frames import frame
from ats_assets_tests.storage.objects.conftest import Machine

DAYS = [date(2024, 3, day) for day in (4, 5, 6, 7, 8)]


def test_what_one_machine_stores_the_others_read(s3: S3Double, machine: Machine, prefix: str, tmp_path: Path) -> None:
    one, other, disk = machine("one"), machine("other"), Warehouse(tmp_path / "disk")
    rows = [(day, frame(close=float(i)), {}) for i, day in enumerate(DAYS)]
    assert other.stored_sessions("bars") == []
    assert one.write_each("bars", rows).keys() == disk.write_each("bars", rows).keys()
    stored = {key: content for key, content in s3.objects(f"{prefix}/warehouse").items() if not key.startswith(CONTROL)}
    assert stored == {str(path.relative_to(disk.root)): path.read_bytes() for path in disk.root.rglob("*.parquet")}
    assert other.stored_sessions("bars") == DAYS
    path = other.path("bars", DAYS[0])
    assert not has_bytes(path.stat()), "a name, and no bytes until they are asked for"
    assert path.stat().st_size == disk.path("bars", DAYS[0]).stat().st_size
    assert_frame_equal(other.read("bars", DAYS), disk.read("bars", DAYS))
    assert other.data_versions("bars", DAYS) == disk.data_versions("bars", DAYS)


def test_a_session_that_nobody_stored_is_missing(machine: Machine) -> None:
    with pytest.raises(MissingPartitionError, match="bars has no partition for 2024-03-04"):
        machine("one").read("bars", DAYS[:1])


def test_nothing_is_listed_and_nothing_fetched_twice(s3: S3Double, machine: Machine) -> None:
    one = machine("one")
    one.write_each("bars", [(day, frame(close=float(1)), {}) for day in DAYS])
    s3.asked.clear()
    other = machine("one", look_seconds=60.0)  # a second process of the same machine
    other.read("bars", DAYS)
    other.read("bars", DAYS)
    assert [path.rpartition("/")[2] for _, path in s3.asked] == ["000000000002.json", "000000000003.json"]
    s3.asked.clear()
    far = machine("far", look_seconds=60.0)
    far.read("bars", DAYS)
    far.read("bars", DAYS[1:3])
    assert sum(path.endswith(".parquet") for _, path in s3.asked) == len(DAYS)
    assert {method for method, _ in s3.asked} == {"GET"}
    assert not any(path == f"/{BUCKET}" or path.endswith("/") for _, path in s3.asked), "a listing"


def test_a_write_of_many_is_an_intent_the_files_and_a_record(s3: S3Double, machine: Machine) -> None:
    one = machine("one", look_seconds=60.0)
    one.write("bars", DAYS[0], frame())
    s3.asked.clear()
    one.write_each("bars", [(day, frame(close=float(2)), {}) for day in DAYS])
    puts = [path for method, path in s3.asked if method == "PUT"]
    assert (len(puts), len(s3.asked)) == (len(DAYS) + 2, len(DAYS) + 2)
    assert CONTROL in puts[0]
    assert CONTROL in puts[-1]
    s3.asked.clear()
    one.write_each("bars", [(day, frame(close=float(2)), {}) for day in DAYS])
    assert len(s3.asked) == 2, "the same bytes are not sent again"


def test_what_a_partition_says_of_itself_is_known_before_it_is_fetched_and_gone_with_its_placeholder(machine: Machine) -> None:
    one, other = machine("one"), machine("other")
    upstream = {"raw_bars": {"2024-03-01": "a" * 64, "2024-03-04": "b" * 64}}
    one.write("bars", DAYS[0], frame(close=float(1)), code_version="code", settings_version="own", upstream=upstream)
    assert other.stored_sessions("bars") == DAYS[:1]
    path = other.path("bars", DAYS[0])
    (told,) = other.root_folder.told([path, path.with_name("none")]).values()
    assert not has_bytes(path.stat())
    assert (told.asset, told.session, told.code_version, told.settings_version) == ("bars", "2024-03-04", "code", "own")
    assert told.reads == {"raw_bars": set_digest(upstream["raw_bars"])}
    footer = other.footer("bars", DAYS[0])
    assert (footer.data_version, footer.upstream) == (told.data_version, upstream)
    assert other.root_folder.told([path]) == {}


def test_a_placeholder_of_a_record_that_another_process_is_taking_in_is_not_told_as_what_was_there(machine: Machine) -> None:
    """It puts them one by one, and notes what they are at the end."""
    one, other = machine("one"), machine("other")
    one.write("bars", DAYS[0], frame(close=float(1)))
    assert other.stored_sessions("bars") == DAYS[:1]
    path, folder = other.path("bars", DAYS[0]), other.root_folder
    assert isinstance(folder, MirroredFolder)
    (old,) = folder.log.known.all().values()
    assert list(folder.told([path])) == [path]
    put_placeholder(path, replace(old, sha256="of the new one", mtime_ns=old.mtime_ns + 1))
    assert not folder.told([path])


def test_what_an_earlier_version_knew_of_a_store_is_used(s3: S3Double, machine: Machine, tmp_path: Path) -> None:
    machine("one").write("bars", DAYS[0], frame(close=float(1)))
    (table,) = (tmp_path / "one").rglob("known.sqlite")
    with contextlib.closing(sqlite3.connect(table)) as earlier:
        earlier.execute("ALTER TABLE objects DROP COLUMN said")
    s3.asked.clear()
    again = machine("one")
    assert_frame_equal(again.read("bars", DAYS[:1]), frame(close=float(1)))
    assert not [path for _, path in s3.asked if path.endswith(".parquet")]


def test_of_two_who_write_at_once_one_is_refused(cloud: S3Double, machine: Machine) -> None:
    one, other = machine("one"), machine("other")
    one.write("bars", DAYS[0], frame(close=float(0)))
    assert other.exists("bars", DAYS[0])
    meanwhile = iter([True])

    def before(method: str, path: str) -> None:
        if method == "PUT" and path.endswith(".parquet") and next(meanwhile, False):
            other.write("bars", DAYS[0], frame(close=float(2)))

    cloud.before = before
    with pytest.raises(WrittenMeanwhileError, match="was written by another process"):
        one.write("bars", DAYS[0], frame(close=float(1)))
    cloud.undisturbed()
    for each in (one, other, machine("third")):
        assert_frame_equal(each.read("bars", DAYS[:1]), frame(close=float(2)))
    one.write("bars", DAYS[0], frame(close=float(1)))
    assert_frame_equal(other.read("bars", DAYS[:1]), frame(close=float(1)))


@pytest.mark.parametrize(
    "where", ["polars.read_parquet", "polars.read_parquet_metadata", "ats_assets.storage.objects.cached_files.told_text"]
)
def test_what_another_machine_replaces_while_it_is_read_or_fetched_is_read_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    one, other, meanwhile = machine("one"), machine("other"), iter([True])
    module, _, name = where.rpartition(".")
    real = getattr(importlib.import_module(module), name)
    one.write("bars", DAYS[0], frame(close=float(1)))

    def replaced_meanwhile(source: Any, *args: Any, **more: Any) -> Any:
        if not isinstance(source, io.BytesIO) and next(meanwhile, False):
            one.write("bars", DAYS[0], frame(close=float(2)))
            other.stored_sessions("bars")  # as another thread of this process does, or another process
        return real(source, *args, **more)

    monkeypatch.setattr(where, replaced_meanwhile)
    footer, rows = other.footer("bars", DAYS[0]), other.read("bars", DAYS[:1])
    assert next(meanwhile, None) is None
    assert_frame_equal(rows, frame(close=float(2)))
    assert other.footer("bars", DAYS[0]) == one.footer("bars", DAYS[0])
    assert footer.data_version in {one.footer("bars", DAYS[0]).data_version, data_version(frame(close=float(1)))}


def test_an_intent_of_another_machine_stays_open_while_its_writer_may_live(
    s3: S3Double, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it closed, what its writer stores afterwards would be told by nobody if that dies then."""
    one, far = machine("one"), machine("far")
    one.write("bars", DAYS[0], frame(close=float(1)))

    def intents(of: Warehouse) -> dict[str, Any]:
        return of.root_folder.log.known.intents()  # pyright: ignore[reportAttributeAccessIssue]

    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("ats_assets.storage.objects.followed_log.this_process", lambda: "elsewhere:1:1")
        s3.before = lambda method, path: ("500 Internal Server Error", [], b"") if method == "PUT" and path.endswith(".parquet") else None
        elsewhere.setattr("ats_assets.storage.objects.mirrored_writes._tell_end", lambda *_: None)  # it is killed
        with pytest.raises(ObjectStoreError):
            machine("one", retry_seconds=0.1).write("bars", DAYS[0], frame(close=float(2)))
    s3.undisturbed()
    far.stored_sessions("bars")
    assert machine("far").stored_sessions("bars") == DAYS[:1]
    assert [writer for writer, _ in intents(far).values()] == ["elsewhere:1:1"]
    monkeypatch.setattr("ats_assets.storage.objects.followed_log.OPEN_SECONDS", -1.0)
    assert machine("far").stored_sessions("bars") == DAYS[:1]
    assert not intents(far)


def test_two_who_make_the_same_partition_at_once_both_succeed(cloud: S3Double, machine: Machine) -> None:
    one, other, meanwhile = machine("one"), machine("other"), iter([True])

    def before(method: str, path: str) -> None:
        if method == "PUT" and path.endswith(".parquet") and next(meanwhile, False):
            other.write("bars", DAYS[0], frame(close=float(1)))

    cloud.before = before
    assert one.write("bars", DAYS[0], frame(close=float(1))).footer == other.footer("bars", DAYS[0])


def test_what_another_machine_has_replaced_since_is_not_replaced_unseen(cloud: S3Double, machine: Machine) -> None:
    one, other = machine("one", look_seconds=60.0), machine("other")
    one.write("bars", DAYS[0], frame(close=float(0)))
    other.write("bars", DAYS[0], frame(close=float(2)))
    with pytest.raises(WrittenMeanwhileError):
        one.write("bars", DAYS[0], frame(close=float(1)))
    assert_frame_equal(machine("third").read("bars", DAYS[:1]), frame(close=float(2)))


@pytest.mark.parametrize(
    ("cloud", "after"),
    list(product(["s3", "gs", "az"], range(7))) if FULL else [*(("s3", after) for after in (0, 1, 4, 6)), ("gs", 4), ("az", 4)],
    indirect=["cloud"],
)
def test_a_writer_that_dies_at_any_request_leaves_old_or_new(cloud: S3Double, machine: Machine, after: int) -> None:
    old, new = [(day, frame(close=float(1)), {}) for day in DAYS], [(day, frame(close=float(2)), {}) for day in DAYS]
    machine("one").write_each("bars", old)
    left = iter(range(after))

    def gone(method: str, path: str) -> tuple[str, list[tuple[str, str]], bytes] | None:
        return None if method != "PUT" or next(left, None) is not None else ("500 Internal Server Error", [], b"")

    cloud.before = gone
    with pytest.raises(ObjectStoreError, match="run again"):
        machine("one", retry_seconds=0.2, requests_at_once=1).write_each("bars", new)
    cloud.undisturbed()
    third = machine("third")
    for day in DAYS:
        found = third.read("bars", [day])
        assert found.equals(frame(close=float(1))) or found.equals(frame(close=float(2)))
    again = machine("one")
    again.write_each("bars", new)
    assert_frame_equal(machine("fourth").read("bars", DAYS), again.read("bars", DAYS))
    assert third.data_versions("bars", DAYS) == again.data_versions("bars", DAYS)


def test_a_busy_store_is_asked_again_and_then_told_of(s3: S3Double, machine: Machine) -> None:
    busy = iter(range(3))
    s3.before = lambda method, path: BUSY if next(busy, None) is not None else None
    one = machine("one")
    one.write("bars", DAYS[0], frame())
    s3.before = lambda method, path: BUSY
    with pytest.raises(ObjectStoreError, match=r"503 SlowDown after 0.3 seconds of trying again.*Run again later"):
        machine("one", retry_seconds=0.3).write("bars", DAYS[1], frame())
    s3.undisturbed()
    assert machine("one").stored_sessions("bars") == DAYS[:1]


def test_an_answer_that_is_cut_off_is_asked_for_again(cloud: S3Double, machine: Machine) -> None:
    machine("one").write("bars", DAYS[0], frame())
    cut = iter(range(2))
    cloud.after = lambda method, path, body: body[: len(body) // 2] if path.endswith(".parquet") and next(cut, None) is not None else body
    assert_frame_equal(machine("other", retry_seconds=20.0, timeout_seconds=1.0).read("bars", DAYS[:1]), frame())
    assert next(cut, None) is None


def test_a_server_that_is_gone(s3: S3Double, machine: Machine) -> None:
    one = machine("one", endpoint="http://127.0.0.1:9", retry_seconds=0.2)
    with pytest.raises(ObjectStoreError, match=r"no whole answer of http://127.0.0.1:9.*check the network"):
        one.stored_sessions("bars")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("403 Forbidden", "AccessDenied", "the credentials lack the right"),
        ("403 Forbidden", "InvalidAccessKeyId", "does not know the access key"),
        ("403 Forbidden", "RequestTimeTooSkewed", "the clock of this machine is wrong"),
        ("400 Bad Request", "ExpiredToken", "have expired"),
    ],
)
def test_a_refusal_says_what_to_do_and_no_secret(s3: S3Double, machine: Machine, status: str, code: str, said: str) -> None:
    s3.before = lambda method, path: (status, [], f"<Error><Code>{code}</Code><Message>AKIATESTS</Message></Error>".encode())
    with pytest.raises(StoreDeniedError, match=said) as refused:
        machine("one").stored_sessions("bars")
    assert "AKIATESTS" not in str(refused.value)


def test_a_bucket_that_is_not_there(cloud: S3Double, tmp_path: Path) -> None:
    own = cloud.settings("none", tmp_path)
    folder = MirroredFolder(Bucket(BucketUrl(f"{cloud.scheme}://no-such-bucket/x"), own.object_store), tmp_path)
    with pytest.raises(ObjectStoreError, match="there is no such bucket: make it"):
        Warehouse(folder.root, root_folder=folder).write("bars", DAYS[0], frame())


def test_a_store_that_does_not_look_at_conditions_is_refused(s3: S3Double, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = S3Response.put_object

    def careless(self: S3Response) -> object:
        self.headers = {key: value for key, value in self.headers.items() if key.lower() not in {"if-none-match", "if-match"}}
        return real(self)

    monkeypatch.setattr(S3Response, "put_object", careless)
    with pytest.raises(ObjectStoreError, match="can't hold a warehouse: it replaces an object"):
        machine("one").write("bars", DAYS[0], frame())


def test_a_damaged_file_of_the_cache_is_fetched_again(machine: Machine) -> None:
    one = machine("one")
    path = one.write("bars", DAYS[0], frame()).path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert_frame_equal(machine("one").read("bars", DAYS[:1]), frame())
    path.write_bytes(b"")  # as a lost power supply leaves a file that was not synced
    assert_frame_equal(machine("one").read("bars", DAYS[:1]), frame())


def test_what_is_damaged_in_the_store_itself_is_told(s3: S3Double, machine: Machine, prefix: str) -> None:
    machine("one").write("bars", DAYS[0], frame())
    key = f"{prefix}/warehouse/bars/session={DAYS[0]}/data.parquet"
    content = bytearray(s3.client().get_object(Bucket=BUCKET, Key=key)["Body"].read())
    content[len(content) // 2] ^= 1
    s3.client().put_object(Bucket=BUCKET, Key=key, Body=bytes(content))
    with pytest.raises(CorruptPartitionError, match="is damaged"):
        machine("other").read("bars", DAYS[:1])


def test_what_is_removed_in_the_store_by_hand_is_missing_and_made_again(s3: S3Double, machine: Machine, prefix: str) -> None:
    machine("one").write("bars", DAYS[0], frame())
    s3.client().delete_object(Bucket=BUCKET, Key=f"{prefix}/warehouse/bars/session={DAYS[0]}/data.parquet")
    other = machine("other")
    with pytest.raises(MissingPartitionError):
        other.read("bars", DAYS[:1])
    other.write("bars", DAYS[0], frame())
    assert_frame_equal(machine("third").read("bars", DAYS[:1]), frame())


def test_a_cache_that_is_full_gives_up_what_was_not_read_for_longest(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ats_assets.storage.objects.cached_files.IN_USE", -1.0)
    machine("one").write_each("bars", [(day, frame(close=float(i)), {}) for i, day in enumerate(DAYS)])
    size = machine("one").path("bars", DAYS[0]).stat().st_size
    small = machine("small", cache_gib=3.2 * size / 2**30)
    for day in DAYS:
        small.read("bars", [day])
    held = [day for day in DAYS if has_bytes(small.path("bars", day).stat())]
    assert held == DAYS[-3:]
    for i, day in enumerate(DAYS):
        assert_frame_equal(small.read("bars", [day]), frame(close=float(i)))


def test_a_machine_that_only_writes_keeps_no_more_than_it_may(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ats_assets.storage.objects.cached_files.IN_USE", -1.0)
    size = machine("one").write("bars", DAYS[0], frame()).bytes
    small = machine("small", cache_gib=2.2 * size / 2**30)
    for i, day in enumerate(DAYS):
        small.write("labels", day, frame(close=float(i)))
    assert sum(has_bytes(small.path("labels", day).stat()) for day in DAYS) <= 2
    assert_frame_equal(small.read("labels", DAYS[:1]), frame(close=float(0)))


def test_a_root_that_was_copied_there_is_taken_as_it_is(s3: S3Double, machine: Machine, prefix: str, tmp_path: Path) -> None:
    disk = Warehouse(tmp_path / "disk")
    disk.write_each("bars", [(day, frame(close=float(i)), {}) for i, day in enumerate(DAYS)])
    for path in disk.root.rglob("*.parquet"):
        s3.client().upload_file(str(path), BUCKET, f"{prefix}/warehouse/{path.relative_to(disk.root)}")
    one = machine("one")
    assert one.stored_sessions("bars") == DAYS
    assert_frame_equal(one.read("bars", DAYS), disk.read("bars", DAYS))
    s3.asked.clear()
    assert machine("other").stored_sessions("bars") == DAYS
    assert {path.split(CONTROL)[-1] for _, path in s3.asked} == {"checkpoint.json.gz", "log/000000000001.json", "log/000000000002.json"}


def test_a_store_that_was_emptied_is_not_taken_for_the_one_that_was(s3: S3Double, machine: Machine, prefix: str) -> None:
    machine("one").write("bars", DAYS[0], frame())
    client = s3.client()
    for key in s3.objects(prefix):
        client.delete_object(Bucket=BUCKET, Key=f"{prefix}/{key}")
    assert machine("one").stored_sessions("bars") == []


def test_a_machine_that_was_away_for_long_reads_a_checkpoint(s3: S3Double, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ats_assets.storage.objects.followed_log.CHECKPOINT_EVERY", 10)
    one, rng = machine("one"), random.Random(1)
    for i in range(16):
        one.write("bars", rng.choice(DAYS), frame(close=float(i)))
    s3.asked.clear()
    far = machine("far", look_seconds=60.0)
    found = far.stored_sessions("bars")
    assert sorted(path.rpartition("/")[2] for _, path in s3.asked) == [*(f"{i:012d}.json" for i in (31, 32, 33)), "checkpoint.json.gz"]
    assert_frame_equal(far.read("bars", found), one.read("bars", found))


def test_checkpoints_are_written_whichever_numbers_the_log_has(
    s3: S3Double, machine: Machine, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ats_assets.storage.objects.followed_log.CHECKPOINT_EVERY", 4)
    s3.client().put_object(
        Bucket=BUCKET, Key=f"{prefix}/warehouse/mine/data.parquet", Body=b"by hand"
    )  # so that the first record tells of it
    one = machine("one")
    for day in DAYS[:2]:
        one.write("bars", day, frame())
    assert f"{CONTROL}checkpoint.json.gz" in s3.objects(f"{prefix}/warehouse")


def test_models_and_documents(cloud: S3Double, machine: Machine, prefix: str) -> None:
    one, other = machine("one"), machine("other")
    one.write_part("report", "table", frame())
    assert other.part("report", "table").is_file(), "the first that this machine asks of the store"
    one.write_text("report", "a.html", "first")
    one.write_text("report", "a.html", "second")
    assert other.read_text("report", "a.html") == "second"
    one.remove_document("report", "a.html")
    assert not (other.root / "report" / "a.html").exists() or (other.assets() and not (other.root / "report" / "a.html").exists())
    stores = [ModelStore(each.root, "lightgbm_model", root_folder=each.root_folder) for each in (one, other)]
    with stores[0].together():
        for day in DAYS:
            stores[0].write_unavailable(day, Unavailable(reason="history is too short"), {})
    assert stores[1].stored_sessions() == DAYS
    assert stores[1].check(DAYS[-1]).reason == "history is too short"


def test_vintages_that_are_put_out_of_the_way_come_back(machine: Machine) -> None:
    one, known = machine("one"), datetime(2024, 3, 4, 21, tzinfo=UTC)
    one.write_vintage("raw_bars", DAYS[0], frame(close=float(1)), known=known, settings_version="a")
    one.write_vintage("raw_bars", DAYS[0], frame(close=float(2)), known=known, settings_version="b")
    other = machine("other")
    assert len(other.stamps("raw_bars", DAYS[0])) == 1
    assert_frame_equal(other.read("raw_bars", DAYS[:1]), frame(close=float(2)))
    other.write_vintage("raw_bars", DAYS[0], frame(close=float(1)), known=known, settings_version="a")
    assert_frame_equal(one.read("raw_bars", DAYS[:1]), frame(close=float(1)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_placeholder_can_not_be_read(machine: Machine) -> None:
    machine("one").write("bars", DAYS[0], frame())
    with pytest.raises(PermissionError):
        machine("other").path("bars", DAYS[0]).read_bytes()
