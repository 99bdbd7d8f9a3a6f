"""The models that have predicted lately, kept loaded: to read and parse one takes longer than to predict with it."""

import threading
from collections import OrderedDict

from ats_assets.models import Model
from ats_assets.models.learner import Scorer
from ats_assets.serving.queries.saved_models import load_scorer
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.model_record import ModelRecord

MOST = 8
"""Models that are kept; the one that was used longest ago goes first."""


class LoadedModels:
    """Loaded models by what they are: their asset and the SHA-256 of their file, so that a new fit is another one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str | None], Scorer] = OrderedDict()

    def load(self, model: Model, record: ModelRecord, store: ModelStore) -> Scorer:
        """The model of a fitted record, from memory where it is there.

        Raises
        ------
        ModelError, CorruptPartitionError
            If it is of another kind of learner, or damaged.
        """
        key = (model.asset, record.model_sha256)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = load_scorer(model, record, store)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return found
