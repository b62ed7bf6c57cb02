"""Commands that a signal ends go on: 200 of each script's, under `HMEXP_FAULTS=all`.

Each kind is tried once in any case: trainings by `test_resume.py`, stagings by `tests/store`, sweeps by `tests/sweeps`,
promotions, predictions and archives by `tests/promotion`, `tests/inference` and `tests/catalogue`.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from repeated import ALL

COUNT = 200
SEED = 0


@pytest.mark.slow
@pytest.mark.skipif(not ALL, reason="an hour each: HMEXP_FAULTS=all")
@pytest.mark.parametrize("script", ["kills.py", "deploy_kills.py"])
def test_what_a_signal_ends_goes_on(script, tmp_path):
    words = [sys.executable, str(Path(__file__).with_name(script)), str(tmp_path), str(COUNT), str(SEED)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    tried = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(tried) == COUNT, done.stderr
    wrong = [line for line in tried if line["wrong"]]
    assert not wrong, json.dumps(wrong, indent=2)
    assert done.returncode == 0, done.stderr
