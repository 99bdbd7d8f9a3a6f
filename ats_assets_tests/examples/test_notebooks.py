"""Each notebook runs from top to bottom in a real kernel, over the deployment of the quick start; none is committed with what it printed."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ats_assets_tests.examples.conftest import EXAMPLES, ROOT

nbclient = pytest.importorskip("nbclient")
NOTEBOOKS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def kernel(quick_start: str, results: Path) -> Iterator[tuple[Any, Any]]:
    """One kernel for all notebooks, so that the libraries are imported once; between them nothing is left."""
    from jupyter_client.manager import start_new_kernel  # noqa: PLC0415

    assert quick_start
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATS_", "DAGSTER_"))}
    env = kept | {"ATS_EXAMPLES_FOLDER": str(results), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    folder = results / "examples" / "notebooks"
    shutil.copytree(EXAMPLES, folder.parent, ignore=shutil.ignore_patterns("results", "data", "__pycache__"))
    shutil.copyfile(ROOT / "dagster.yaml", results / "dagster.yaml")
    manager, client = start_new_kernel(kernel_name="python3", env=env, cwd=str(folder))
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_runs_from_top_to_bottom(file: Path, kernel: tuple[Any, Any]) -> None:
    import nbformat  # noqa: PLC0415

    manager, client = kernel
    book = nbformat.read(file, as_version=4)
    runner = nbclient.NotebookClient(book, km=manager, timeout=300)
    runner.kc = client
    runner.execute(cleanup_kc=False)
    client.execute("%reset -f", reply=True, timeout=60)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert sum(bool(cell.outputs) for cell in cells) >= len(cells) - 1, "but for the first, each cell shows something"


def test_there_are_five_and_none_has_outputs() -> None:
    assert {file.stem for file in NOTEBOOKS} == {
        "a_model_judged_honestly",
        "features_and_leakage",
        "first_look",
        "portfolio_and_costs",
        "provenance_of_an_order",
    }
    for file in NOTEBOOKS:
        book = json.loads(file.read_text(encoding="utf-8"))
        code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code), file.name
        assert "".join(book["cells"][0]["source"]).startswith("# ")
