"""The site has the pages that lie beside `docs/` too, and its links lead to them."""

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {
    "benchmarks/RESULTS.md": "results.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/quickstart.ipynb": "quickstart.ipynb",
}
"""A file of the project -> what it is on the site."""


def on_files(files: Files, config: Any, **_: Any) -> Files:  # noqa: ANN401
    """Add the pages from beside `docs/`."""
    for path, name in BESIDE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:  # noqa: ANN401
    """Let links to files of the project lead to their pages."""
    beside_docs = page.file.src_uri in BESIDE.values()
    for path, name in BESIDE.items():
        markdown = markdown.replace(f"](../{path}", f"]({name}")
    if beside_docs:
        markdown = markdown.replace("](docs/", "](").replace("](../docs/", "](")
    return markdown
