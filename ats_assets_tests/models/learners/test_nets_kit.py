"""The nets pass the kit: of features of several sessions and of one."""

from typing import Any, ClassVar

import pytest

from ats_assets.models.learners import dlinear, lstm, transformer
from ats_assets.models.nets import net_training
from ats_assets_tests.kits.learners import LearnerKit
from ats_assets_tests.needs_torch import needs_torch

pytestmark = needs_torch


@pytest.fixture(autouse=True)
def many_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few rows would be one slice of a batch, which one thread scores."""
    monkeypatch.setattr(net_training, "SLICE", 128)


QUICK = {"batch_rows": 256, "learning_rate": 5e-3, "min_epochs": 4, "max_epochs": 6, "dropout": 0.2}


class TestLstm(LearnerKit):
    plugin = lstm.PLUGIN
    small: ClassVar[dict[str, Any]] = QUICK | {"hidden": 8, "layers": 2, "sequence_sessions": 3}


class TestLstmOfOneSession(LearnerKit):
    plugin = lstm.PLUGIN
    small: ClassVar[dict[str, Any]] = QUICK | {"hidden": 7, "layers": 1, "sequence_sessions": 1, "objective": "ic", "dropout": 0.0}


class TestTransformer(LearnerKit):
    plugin = transformer.PLUGIN
    small: ClassVar[dict[str, Any]] = QUICK | {"width": 12, "heads": 3, "layers": 2, "inner_width": 10, "sequence_sessions": 4}


class TestDlinear(LearnerKit):
    plugin = dlinear.PLUGIN
    small: ClassVar[dict[str, Any]] = QUICK | {"sequence_sessions": 5, "min_epochs": 8, "max_epochs": 12}


class TestDollarProfit(LearnerKit):
    plugin = dlinear.PLUGIN
    small: ClassVar[dict[str, Any]] = TestDlinear.small | {"objective": "dollar_profit"}


class TestQuantile(LearnerKit):
    plugin = dlinear.PLUGIN
    small: ClassVar[dict[str, Any]] = TestDlinear.small | {"objective": "quantile", "quantile": 0.4}


class TestClassification(LearnerKit):
    plugin = lstm.PLUGIN
    small: ClassVar[dict[str, Any]] = TestLstm.small | {"objective": "classification", "layers": 1}
