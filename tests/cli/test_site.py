"""The documentation as a site: it can be built, and its page of all keys is that of the schemas."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_page_of_all_keys_is_that_of_the_schemas(tmp_path):
    made, page = tmp_path / "made.md", CHECKOUT / "docs" / "configuration.md"
    subprocess.run([sys.executable, CHECKOUT / "docs" / "_site" / "configuration.py", made], cwd=CHECKOUT, check=True)
    assert page.read_text(encoding="utf-8") == made.read_text(encoding="utf-8"), (
        "docs/_site/configuration.py makes it anew"
    )


def test_the_site_is_built_without_a_warning_and_asks_nothing_of_other_sites(tmp_path):
    pytest.importorskip("material", reason="no MkDocs Material (pip install 'hmexp[docs]')")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    subprocess.run(command, cwd=CHECKOUT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=True)
    pages = {path.relative_to(tmp_path / "site").parent.name for path in (tmp_path / "site").rglob("index.html")}
    assert {"tutorial", "concepts", "configuration", "api", "comparison", "troubleshooting", "results"} <= pages
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not any(f'{attribute}="http' in text for attribute in ("src", 'rel="stylesheet" href')), page
    api = (tmp_path / "site" / "api" / "index.html").read_text(encoding="utf-8")
    assert all(f'id="hmexp.{name}"' in api for name in ("run", "DataModule.from_folder", "Trainer.fit", "load"))
