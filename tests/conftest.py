"""Fixtures that many tests share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
REAL_PICTURES = Path(os.environ.get("HMEXP_REALDATA", CHECKOUT.parent / "shared" / "data" / "clothing"))
Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `realdata` are skipped, by name, where the photographs are not there."""
    if REAL_PICTURES.is_dir():
        return
    for item in items:
        if item.get_closest_marker("realdata"):
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: no photographs (set HMEXP_REALDATA)"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for the session, so that the sample is drawn and staged once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def hmexp(cache: Path, tmp_path: Path) -> Run:
    """Calls `python -m hmexp ...` in an empty folder."""

    def run(*words: str, cwd: Path = tmp_path, cache: Path = cache, code: int = 0) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"HMEXP_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "2", "COLUMNS": "120"}
        done = subprocess.run([sys.executable, "-m", "hmexp", *words], cwd=cwd, env=env, capture_output=True, text=True)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
