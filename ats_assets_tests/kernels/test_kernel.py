"""What is compiled is kept on the disk, and compiled again where that can't be read."""

from pathlib import Path

import numpy as np
import pytest

from ats_assets.kernels.kernel import Kernel
from ats_assets.kernels.weight_limits import scaled


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("keep", [0, 0.5])
def test_a_file_that_is_cut_off_is_compiled_again(suffix: str, keep: float) -> None:
    """A process that is killed while it writes leaves one; every later run had failed with "pickle data was truncated"."""
    weights, which = np.array([0.5, 0.25]), np.array([True, False])

    def fresh() -> Kernel[np.ndarray]:
        return Kernel(scaled.function)

    first = fresh()
    assert first.compiled(weights, 0.5, which).tolist() == [0.25, 0.25]
    folder: Path = Path(first.compiled._cache._cache_path)
    files = list(folder.glob(f"weight_limits.scaled-*{suffix}"))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[: int(keep * file.stat().st_size)])
    assert not fresh().is_compiled(weights, 0.5, which)
    assert fresh().compiled(weights, 0.5, which).tolist() == [0.25, 0.25]
    assert fresh().is_compiled(weights, 0.5, which)
