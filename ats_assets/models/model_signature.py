"""The signature of a stored model: what it takes and what it gives, by name and type."""

from typing import Any

from ats_assets.storage.model_record import ModelRecord


def model_signature(record: ModelRecord) -> dict[str, list[dict[str, Any]]]:
    """The inputs in the order that the model expects, and its output, in the form of MLflow's signatures.

    Examples
    --------
    >>> from datetime import date
    >>> record = ModelRecord(name="a_model", session=date(2024, 3, 1), status="unavailable", reason="none", features=("KMID", "ROC5"))
    >>> model_signature(record)["inputs"][0]
    {'name': 'KMID', 'type': 'float', 'required': True}
    """
    return {
        "inputs": [{"name": name, "type": "float", "required": True} for name in record.features],
        "outputs": [{"name": "score", "type": "double", "required": True}],
    }
