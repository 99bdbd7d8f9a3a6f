"""What looks like a secret among settings, which should hold none."""

import re
from collections.abc import Mapping
from typing import Any, cast

HIDDEN = "***"
_SECRET_NAME = re.compile(r"secret|token|password|credential|api_?key|access_?key", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def without_secrets(values: Any, name: str = "") -> Any:
    """The same with what looks like a secret, by its name or as a login in an address, hidden."""
    if isinstance(values, Mapping):
        return {key: without_secrets(value, key) for key, value in cast("Mapping[str, Any]", values).items()}
    if values is not None and _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(values, list):
        return [without_secrets(value) for value in cast("list[Any]", values)]
    return _LOGIN.sub(HIDDEN, values) if isinstance(values, str) else values
