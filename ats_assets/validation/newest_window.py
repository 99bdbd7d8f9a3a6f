"""The newest window that models learn from: which sessions it has, and the versions of what is read of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.errors import EvaluationError, MissingPartitionError
from ats_assets.features.choosing import model_families
from ats_assets.labels import learnt_label
from ats_assets.models import last_refit, models
from ats_assets.models.labelled_rows import whole_window
from ats_assets.models.training_set import TrainingWindow, least_history


def window_reads(deployment: Deployment) -> list[str]:
    """The assets whose rows the window has."""
    return [*deployment.of(model_families), "universe", deployment.of(learnt_label).asset]


@dataclass(frozen=True, kw_only=True)
class NewestWindow:
    """The window as of the last refit session, and the data versions of all that is read since it begins."""

    window: TrainingWindow
    upstream: Mapping[str, Mapping[str, str]]
    made_from: str
    """A digest of code, settings and the data of the window: while it is the same, what is stored holds."""

    @classmethod
    def of(cls, deployment: Deployment, versions: Mapping[str, str]) -> "NewestWindow":
        """That of what is stored now.

        Parameters
        ----------
        versions
            Of the code and the settings of what is made from it.

        Raises
        ------
        MissingPartitionError
            If no labels are stored.
        EvaluationError
            If history is too short for a fit.
        """
        calendar, training, learnt = deployment.calendar, deployment.settings.training, deployment.of(learnt_label)
        stored = deployment.valid_sessions(learnt.asset)
        if not stored:
            raise MissingPartitionError(f"no {learnt.asset} are stored: make features and labels with ats run")
        longest = max(model.sequence_sessions for model in deployment.of(models).values())
        window = whole_window(deployment, last_refit(calendar, stored[-1], training.refit), longest)
        if window is None:
            least = least_history(training, learnt.known_after)
            raise EvaluationError(
                f"history is too short to cross-validate: it takes {least} sessions before the last refit ([training]); collect more"
            )
        lying = window.sequences.sessions if window.sequences else window.train
        used = {**dict.fromkeys(deployment.of(model_families), lying), "universe": window.train, learnt.asset: window.label_sessions}
        made_from: dict[str, Any] = {name: deployment.data_versions(name, days) for name, days in used.items()}
        made_from |= versions
        later = {name: [day for day in deployment.valid_sessions(name) if day >= days[0]] for name, days in used.items()}
        return cls(
            window=window,
            upstream={name: deployment.data_versions(name, days) for name, days in later.items()},
            made_from=hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest(),
        )
