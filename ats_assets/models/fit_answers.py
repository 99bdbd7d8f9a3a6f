"""A fit as a worker hands it back: a line of JSON, then the model in its library's own format. No pickle, for a model may come from another machine.

Several fits are one answer: the length of each as eight bytes, little-endian, before it.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from datetime import date

import numpy as np

from ats_assets.errors import WorkerError
from ats_assets.models.confusion import Confusion
from ats_assets.models.fit_states import FitOver, WantedFit
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.storage.model_record import ModelRecord
from ats_assets.workers.compute_engine import told_error

_LENGTH = struct.Struct("<Q")


def joined_answers(answers: Sequence[bytes]) -> bytes:
    """Several fits as one answer.

    Examples
    --------
    >>> answer_at(joined_answers([b"first", b"", b"third"]), 2)
    b'third'
    """
    return b"".join(_LENGTH.pack(len(one)) + one for one in answers)


def answer_at(answers: bytes, place: int) -> bytes:
    """The fit at a place of several."""
    start = 0
    for _ in range(place):
        start += _LENGTH.size + _LENGTH.unpack_from(answers, start)[0]
    first = start + _LENGTH.size
    return answers[first : first + _LENGTH.unpack_from(answers, start)[0]]


def fit_answer(asset: str, over: FitOver) -> bytes:
    """A fit as bytes, or what it raised."""
    found, wanted = over.found, over.wanted
    if isinstance(found, Exception):
        return json.dumps({"error": told_error(found)}).encode() + b"\n"
    told = {"versions": wanted.versions, "started": over.started, "ended": over.ended}
    if isinstance(found, Unavailable):
        return json.dumps(told | {"reason": found.reason}).encode() + b"\n"
    record = _record(asset, wanted.session, found.content, **over.recorded)
    told |= {
        "record": record.model_dump(mode="json", include=set(over.recorded)),
        "confusion": None if over.confusion is None else [over.confusion.classes, over.confusion.counts],
        "rounds": found.rounds,
        "label_kind": found.label_kind,
    }
    return json.dumps(told).encode() + b"\n" + found.content


def fit_over(asset: str, wanted: WantedFit, answer: bytes) -> FitOver:
    """The fit that a worker handed back, which is that of these very inputs.

    Its scores of the validation rows stay with the worker: what is recorded of them came along.

    Raises
    ------
    WorkerError
        What it raised there; or if it was made of other data, code or settings.
    """
    line, _, content = answer.partition(b"\n")
    told = json.loads(line)
    if "error" in told:
        raise WorkerError(told["error"])
    if told["versions"] != wanted.versions:
        others = sorted({name for name in {*told["versions"], *wanted.versions} if told["versions"].get(name) != wanted.versions.get(name)})
        raise WorkerError(
            f"a worker fitted {asset} of {wanted.session} with other {', '.join(others)} than this run has: give all workers the same version of ats-assets and the "
            "same warehouse, then run again"
        )
    times = {"started": told["started"], "ended": told["ended"]}
    if "record" not in told:
        return FitOver(wanted=wanted, found=Unavailable(reason=told["reason"]), **times)
    values = {
        "name": asset,
        "session": wanted.session,
        "status": "fitted",
        "fitted_session": wanted.session,
        "model_sha256": _sha256(content),
    }
    record = ModelRecord.model_validate_json(json.dumps(told["record"] | values, default=str))
    recorded = {name: getattr(record, name) for name in told["record"]}
    found = Fitted(
        content=content,
        scores=np.empty(0),
        rounds=told["rounds"],
        importance=record.importance,
        parameters=record.parameters,
        label_kind=told["label_kind"],
    )
    classes, counts = told["confusion"] or ((), ())
    confusion = Confusion(classes=tuple(classes), counts=tuple(map(tuple, counts))) if told["confusion"] else None
    return FitOver(wanted=wanted, found=found, recorded=recorded, confusion=confusion, **times)


def _record(asset: str, session: date, content: bytes, **recorded: object) -> ModelRecord:
    values = {"name": asset, "session": session, "status": "fitted", "fitted_session": session, "model_sha256": _sha256(content)}
    return ModelRecord.model_validate(values | recorded)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
