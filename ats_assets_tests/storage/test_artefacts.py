import contextlib
import json
import os
from datetime import date
from pathlib import Path

import pytest

from ats_assets.errors import CorruptPartitionError, MissingPartitionError, ModelError, SettingsError
from ats_assets.models import Fitted, recorded
from ats_assets.storage.artefacts import ModelStore, Unavailable
from ats_assets.storage.model_record import ModelRecord
from ats_assets_tests.models.fits import CALENDAR, SESSION, SETTINGS, fitted_lightgbm, lightgbm, small_training_set, written

VERSIONS = {"code": "c0de", "data": "da7a"}
NEXT = CALENDAR.offset(SESSION, 1)


FITTED, OTHER = fitted_lightgbm(), fitted_lightgbm(seed=8)


def write(store: ModelStore, fitted: Fitted = FITTED) -> ModelRecord:
    return written(store, SESSION, fitted, small_training_set(), VERSIONS)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path, "lightgbm_model")


def files(store: ModelStore, session: date = SESSION) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(store.folder(session).iterdir())}


def test_a_fitted_model_reads_back_and_predicts_the_same(store: ModelStore) -> None:
    record = write(store)
    assert store.record(SESSION) == record == store.active(SESSION)
    assert record.features == ("noise_a", "signal", "noise_b", "noise_c")
    assert record.versions.keys() == {"code", "data", "lightgbm"}
    assert record.training is not None
    assert (record.training.first_decision, record.training.last_decision) == (
        small_training_set().window.train[0],
        small_training_set().window.train[-1],
    )
    scores = lightgbm().scorer(record, store.content(record)).predict(small_training_set().validation.x)
    assert scores.std() > 0
    assert store.stored_sessions() == [SESSION]


def test_the_same_model_is_the_same_bytes_and_its_record_has_sorted_keys_and_no_threads(store: ModelStore, tmp_path: Path) -> None:
    write(store)
    again = ModelStore(tmp_path / "elsewhere", "lightgbm_model", fsync=False)
    write(again)
    assert files(store) == files(again)
    assert list(files(store)) == ["model.json", "model.txt"]
    found = json.loads(files(store)["model.json"])
    assert list(found) == sorted(found)
    assert "num_threads" not in found["parameters"]


def test_a_carried_model_is_a_reference(store: ModelStore) -> None:
    fitted = write(store)
    carried = store.write_carried(NEXT, SESSION, VERSIONS)
    assert list(files(store, NEXT)) == ["model.json"]
    assert carried.fitted_session == SESSION
    assert store.active(NEXT) == fitted
    with pytest.raises(ModelError, match="use active"):
        store.content(carried)
    with pytest.raises(ModelError, match=f"carry from there|carried from {SESSION}"):
        store.write_carried(CALENDAR.offset(NEXT, 1), NEXT, VERSIONS)


def test_a_carried_record_says_who_fitted_the_model_and_a_missing_one_who_would_have(store: ModelStore) -> None:
    values = recorded(lightgbm(), FITTED, small_training_set(), SETTINGS, VERSIONS) | {"file": "model.safetensors", "learner": "qlib_zoo"}
    store.write_fitted(SESSION, b"a net", **values)
    carried = store.write_carried(NEXT, SESSION, VERSIONS)
    assert (carried.learner, carried.file) == ("qlib_zoo", "model.safetensors")
    assert list(files(store, NEXT)) == ["model.json"]
    none = store.write_unavailable(SESSION, Unavailable(reason="3 labelled sessions"), VERSIONS, learner="qlib_zoo")
    assert (none.learner, none.file) == ("qlib_zoo", "")
    assert list(files(store)) == ["model.json"]
    assert store.write_carried(NEXT, SESSION, VERSIONS).learner == "qlib_zoo"


def test_a_missing_model_is_carried_with_its_reason(store: ModelStore) -> None:
    store.write_unavailable(SESSION, Unavailable(reason="3 labelled sessions"), VERSIONS)
    store.write_carried(NEXT, SESSION, VERSIONS)
    assert store.active(NEXT).status == "unavailable"
    assert store.active(NEXT).reason == "3 labelled sessions"


def test_a_model_that_is_not_there_is_named_with_the_command_that_makes_it(store: ModelStore) -> None:
    with pytest.raises(MissingPartitionError, match=f"--select lightgbm_model --partition {SESSION}"):
        store.record(SESSION)
    with pytest.raises(MissingPartitionError, match=f"partition {SESSION}"):
        store.write_carried(NEXT, SESSION, VERSIONS)
    assert store.stored_sessions() == []


def test_another_model_in_the_place_of_a_carried_one_is_noticed(store: ModelStore) -> None:
    write(store)
    store.write_carried(NEXT, SESSION, VERSIONS)
    write(store, OTHER)
    with pytest.raises(ModelError, match=f"another model was stored since.*--partition {NEXT}"):
        store.active(NEXT)


def test_replacing_leaves_nothing_of_the_old_one(store: ModelStore) -> None:
    write(store, OTHER)
    write(store)
    assert files(store)["model.txt"] == FITTED.content
    store.content(store.record(SESSION))
    store.write_unavailable(SESSION, Unavailable(reason="none"), VERSIONS)
    assert list(files(store)) == ["model.json"]


@pytest.mark.parametrize("damage", [b"", b"tree\n", None])
def test_a_damaged_model_is_refused(store: ModelStore, damage: bytes | None) -> None:
    record = write(store)
    path = store.folder(SESSION) / "model.txt"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(CorruptPartitionError, match=f"model.txt.*--select lightgbm_model --partition {SESSION}"):
        store.content(record)


@pytest.mark.parametrize("damage", ["", "{}", '{"name": "lightgbm_model"', '{"name": "x", "session": "2020-01-02", "status": "fitted"}'])
def test_a_damaged_record_is_refused(store: ModelStore, damage: str) -> None:
    write(store)
    (store.folder(SESSION) / "model.json").write_text(damage)
    with pytest.raises(CorruptPartitionError, match=f"model.json.*--partition {SESSION}"):
        store.record(SESSION)


UPSTREAM = {"bars": {"2022-01-03": "aa", "2022-01-04": "bb"}, "universe": {}}


def test_a_record_names_what_it_was_made_from(store: ModelStore) -> None:
    fitted = written(store, SESSION, FITTED, small_training_set(), VERSIONS, upstream=UPSTREAM)
    carried = store.write_carried(NEXT, SESSION, VERSIONS)
    assert list(files(store)) == ["model.json", "model.txt", "upstream.json"]
    assert store.upstream(store.record(SESSION)) == UPSTREAM
    assert store.upstream(carried) == {"lightgbm_model": {SESSION.isoformat(): fitted.model_sha256}}
    none = store.write_unavailable(SESSION, Unavailable(reason="none"), VERSIONS, UPSTREAM)
    assert list(files(store)) == ["model.json", "upstream.json"]
    assert store.upstream(none) == UPSTREAM
    assert store.upstream(store.write_unavailable(SESSION, Unavailable(reason="none"), VERSIONS)) == {}
    assert list(files(store)) == ["model.json"]


def test_a_flipped_byte_anywhere_is_found(store: ModelStore) -> None:
    written(store, SESSION, FITTED, small_training_set(), VERSIONS, upstream=UPSTREAM)
    store.check(SESSION)
    for name, content in files(store).items():
        path = store.folder(SESSION) / name
        for place in range(0, len(content), 1 + len(content) // 300):
            path.write_bytes(content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :])
            with pytest.raises(CorruptPartitionError, match=name):
                store.check(SESSION)
        path.write_bytes(content)
    store.check(SESSION)


def test_a_record_in_a_strange_folder_is_refused(store: ModelStore) -> None:
    write(store)
    store.folder(SESSION).rename(store.folder(NEXT))
    with pytest.raises(CorruptPartitionError, match=f"record of lightgbm_model at {SESSION}"):
        store.record(NEXT)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("before", [None, OTHER, FITTED])
@pytest.mark.parametrize("step", range(12))
def test_a_process_killed_at_any_step_leaves_one_whole_model_or_none(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, before: Fitted | None, step: int, together: bool
) -> None:
    """Each call that changes the disk may be the last one."""
    if before:
        write(store, before)
    calls = 0

    def mortal(real):
        def call(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls > step:
                raise KeyboardInterrupt
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink", "open"):
            patch.setattr(Path, name, mortal(getattr(Path, name)))
        patch.setattr(os, "fsync", mortal(os.fsync))
        with contextlib.suppress(KeyboardInterrupt), store.together() if together else contextlib.nullcontext():
            write(store)
    if store.exists(SESSION):
        store.content(store.record(SESSION))
    write(store)
    assert store.content(store.record(SESSION)) == FITTED.content


def test_a_model_in_another_format_leaves_nothing_of_the_one_before(store: ModelStore) -> None:
    write(store)
    values = recorded(lightgbm(), FITTED, small_training_set(), SETTINGS, VERSIONS) | {"file": "model.arrow", "learner": "random_forest"}
    record = store.write_fitted(SESSION, b"leaves", **values)
    assert list(files(store)) == ["model.arrow", "model.json"]
    assert store.content(record) == b"leaves"
    with pytest.raises(ModelError, match=r"was fitted by random_forest, and models\.lightgbm is of the kind lightgbm now"):
        lightgbm().scorer(record, b"leaves")


def test_what_dead_processes_left_is_swept_and_what_living_ones_write_is_not(store: ModelStore) -> None:
    write(store)
    dead, living = store.folder(SESSION) / ".model.txt.999999999-1", store.folder(SESSION) / f".model.json.{os.getppid()}-1"
    dead.write_text("half")
    living.write_text("half")
    write(store)
    assert not dead.exists()
    assert living.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(SettingsError, match=r"can't write .*storage"):
        ModelStore(tmp_path / "models", "lightgbm_model").write_unavailable(SESSION, Unavailable(reason="none"), VERSIONS)


def test_carried_models_are_stored_together_before_the_next_model_and_at_the_end_to_the_same_bytes(tmp_path: Path) -> None:
    days = CALENDAR.sessions(SESSION, CALENDAR.offset(SESSION, 6))
    stores = [ModelStore(tmp_path / name, "lightgbm_model") for name in ("alone", "together")]
    stored = []
    for store, block in zip(stores, (contextlib.nullcontext(), stores[1].together()), strict=True):
        with block:
            write(store)
            for day in days[1:4]:
                store.write_carried(day, SESSION, VERSIONS)
            stored.append(store.stored_sessions())
            store.write_unavailable(days[4], Unavailable(reason="none"), VERSIONS)
            stored.append(ModelStore(store.root, store.name).stored_sessions())
            store.write_carried(days[5], days[4], VERSIONS)
    assert stored == [days[:4], days[:5], days[:1], days[:5]]
    alone, together = ({day: files(store, day) for day in days[:6]} for store in stores)
    assert together == alone


def test_what_is_carried_before_an_error_is_stored(store: ModelStore) -> None:
    with contextlib.suppress(KeyboardInterrupt), store.together():
        write(store)
        store.write_carried(NEXT, SESSION, VERSIONS)
        raise KeyboardInterrupt
    assert store.record(NEXT).carried_from == SESSION
