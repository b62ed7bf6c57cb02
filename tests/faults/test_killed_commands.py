"""Commands that a signal ends go on: one of them, or 200 under `HMEXP_FAULTS=all` (see `kills.py`)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ALL = os.environ.get("HMEXP_FAULTS") == "all"
COUNT = 200 if ALL else 1
"""The first is a training; stagings, sweeps and promotions follow."""
SEED = 0


@pytest.mark.parametrize("script", ["kills.py", "deploy_kills.py"])
def test_what_a_signal_ends_goes_on(script, tmp_path):
    if script == "deploy_kills.py" and not ALL:
        pytest.skip("each kind of cut is tried without a process by tests/promotion, tests/inference, tests/catalogue")
    words = [sys.executable, str(Path(__file__).with_name(script)), str(tmp_path), str(COUNT), str(SEED)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    tried = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(tried) == COUNT, done.stderr
    wrong = [line for line in tried if line["wrong"]]
    assert not wrong, json.dumps(wrong, indent=2)
    assert done.returncode == 0, done.stderr
