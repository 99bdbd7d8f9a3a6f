"""What is remembered of Dagster's scripts of migration is what Alembic reads, and a database is asked for its own version each time."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from dagster._core.storage import runs, sql
from sqlalchemy import create_engine, text

from ats_assets.orchestration.remembered_revisions import remember_revisions

CONFIG = sql.get_alembic_config(str(Path(runs.__file__).parent / "sqlite" / "sqlite_run_storage.py"))


@pytest.fixture(autouse=True)
def remembered() -> None:
    remember_revisions()


def test_the_newest_version_is_that_of_the_scripts_and_the_database_s_own_is_read_again(tmp_path: Path) -> None:
    newest = ScriptDirectory.from_config(CONFIG).as_revision_number("head")
    with create_engine(f"sqlite:///{tmp_path / 'runs.db'}").connect() as connection:
        assert sql.check_alembic_revision(CONFIG, connection) == (None, newest)
        sql.stamp_alembic_rev(CONFIG, connection)
        assert sql.check_alembic_revision(CONFIG, connection) == (newest, newest)
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
        assert sql.check_alembic_revision(CONFIG, connection) == ("older", newest)


def test_they_are_read_once() -> None:
    assert sql.ScriptDirectory.from_config(CONFIG) is sql.ScriptDirectory.from_config(CONFIG)
    assert ScriptDirectory.from_config(CONFIG) is not ScriptDirectory.from_config(CONFIG), "whoever migrates a database reads them anew"
