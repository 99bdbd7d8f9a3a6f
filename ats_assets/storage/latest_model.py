"""The file `latest` in a model's folder: which of its versions is active.

    models/<name>/latest        JSON: the newest session stored, and the folder, file and SHA-256 of the model that is active there

A small file that is replaced whole, and no link: object stores and Windows have none. It follows from what is stored alone, so it is the same however that was made.
"""

import json
from typing import Any

from ats_assets.storage.model_record import ModelRecord

LATEST = "latest"


def latest_model(newest: ModelRecord, active: ModelRecord) -> bytes:
    """What the file says.

    Parameters
    ----------
    newest
        The record of the newest session.
    active
        The one behind it, a carried one followed.

    Examples
    --------
    >>> from datetime import date
    >>> record = ModelRecord(name="lightgbm_model", session=date(2024, 3, 1), status="unavailable", reason="history is too short")
    >>> json.loads(latest_model(record, record))
    {'name': 'lightgbm_model', 'reason': 'history is too short', 'session': '2024-03-01', 'status': 'unavailable'}
    """
    values: dict[str, Any] = {"name": newest.name, "session": str(newest.session), "status": active.status}
    if active.status == "fitted":
        values |= {"fitted_session": str(active.fitted_session), "learner": active.learner, "model_sha256": active.model_sha256}
        values |= {"folder": f"session={active.session}", "file": active.file}
    else:
        values["reason"] = active.reason
    return (json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
