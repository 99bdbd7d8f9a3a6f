"""How much a run may take of the machine that it runs on."""

from typing import Final

from pydantic import Field

from ats_assets.settings.section import Section

PROCESS_MB: Final = 800
"""What a process of the graph holds before it reads any data: Python, Dagster, Polars, compiled kernels, a learner."""
SHARE_OF_STEPS: Final = 0.4
"""Of what is left. Fits have the rest: they are made beside the steps (`models.fits_ahead`)."""


class RunsSettings(Section):
    """What bounds a run. Nothing here changes a byte of what is made."""

    max_memory_mb: int | None = Field(
        default=None,
        ge=1_600,
        description="of a process that makes assets: steps are made in blocks of sessions that fit, fewer models are fitted at once, and what can't be made in parts "
        "is refused before it is read; default: no bound",
    )

    @property
    def step_bytes(self) -> int | None:
        """What the data of a step may take."""
        return None if self.max_memory_mb is None else int((self.max_memory_mb - PROCESS_MB) * SHARE_OF_STEPS * 2**20)

    @property
    def whole_bytes(self) -> int | None:
        """What something may take that is made by itself, such as a backtest."""
        return None if self.max_memory_mb is None else (self.max_memory_mb - PROCESS_MB) * 2**20

    @property
    def fit_bytes(self) -> int | None:
        """What the rows of fits may take, all that are under way together."""
        return None if self.max_memory_mb is None else int((self.max_memory_mb - PROCESS_MB) * (1 - SHARE_OF_STEPS) * 2**20)

    @staticmethod
    def max_memory_for_step(needed: float) -> float:
        """What `max_memory_mb` must be for a step whose data take so many bytes."""
        return PROCESS_MB + needed / 2**20 / SHARE_OF_STEPS

    @staticmethod
    def max_memory_for_fit(needed: float) -> float:
        """What `max_memory_mb` must be for a fit whose rows take so many bytes."""
        return PROCESS_MB + needed / 2**20 / (1 - SHARE_OF_STEPS)

    @staticmethod
    def max_memory_for_whole(needed: float) -> float:
        """What `max_memory_mb` must be for something by itself whose data take so many bytes."""
        return PROCESS_MB + needed / 2**20
