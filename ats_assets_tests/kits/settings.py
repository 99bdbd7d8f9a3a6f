"""What the settings of every addition must do."""

from typing import Any

import pytest
from pydantic import ValidationError

from ats_assets.plugins import Plugin


def judge_settings(plugin: Plugin[Any, Any]) -> None:
    """Frozen, a default for each, the same again from what they are written as, an unknown one refused, the quick ones accepted."""
    settings = plugin.settings()
    assert plugin.settings.model_validate(settings.model_dump(mode="json")) == settings
    with pytest.raises(ValidationError, match="no_such_setting"):
        plugin.settings.model_validate({"no_such_setting": 1})
    for name in plugin.settings.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(settings, name, getattr(settings, name))
    quick = plugin.settings.model_validate(dict(plugin.quick))
    assert plugin.make(quick).settings == quick
