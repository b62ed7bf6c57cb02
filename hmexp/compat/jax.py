"""What hmexp takes from JAX that JAX does not export; checked against `CHECKED`.

Importing this imports nothing. `tests/compat/test_jax.py` fails where one of these names changes.
"""

from pathlib import Path
from typing import Protocol

CHECKED = ("0.10", "0.12")


class Programs(Protocol):
    """Where compiled programs are kept: bytes by name."""

    def get(self, key: str) -> bytes | None:
        """A program, or None."""

    def put(self, key: str, value: bytes) -> None:
        """Keep a program."""


def keep_programs(folder: Path, programs: Programs) -> None:
    """Let JAX's persistent compilation cache be `programs`, which lie in `folder`.

    JAX's own writes a file in place, so that a killed process leaves half of one for good, and looks at every file
    before each that it adds, where its size is bounded.
    """
    import jax
    from jax._src import compilation_cache

    compilation_cache.get_file_cache = lambda path: (programs, path)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    compilation_cache.reset_cache()  # it is opened once, at the first compilation of the process
