"""JAX's private names are what hmexp takes them for, in the version that is installed."""

import subprocess
import sys

import pytest

from hmexp.compat import jax as compat

pytestmark = pytest.mark.slow
PROGRAM = """
import sys, pathlib, jax, jax.monitoring
from hmexp.compat.jax import keep_programs
class Programs:
    _path = pathlib.Path(sys.argv[1])
    kept = {}
    def get(self, key): return self.kept.get(key)
    def put(self, key, value): self.kept[key] = value
jax.jit(lambda x: x - 1)(2.0)
keep_programs(Programs._path, Programs())
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if event.endswith("cache_hits") else None)
def twice(x): return 2 * x
jax.jit(twice)(1.0)
assert any("twice" in key for key in Programs.kept), Programs.kept.keys()
assert not hits
jax.clear_caches()
assert float(jax.jit(twice)(1.0)) == 2.0
assert hits, "read again, in a process that had compiled before there was a folder"
"""


def test_it_was_checked_against_this_version():
    import jax

    assert jax.__version__.startswith(tuple(f"{version}." for version in compat.CHECKED))


def test_programs_are_kept_and_read(tmp_path):
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=True)
