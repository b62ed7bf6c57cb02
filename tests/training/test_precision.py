"""`precision=auto`: what was timed once is kept."""

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"float32": 1}', '{"float32": 1, "mixed_bfloat16": null}', "\0"])
def test_a_file_that_is_no_timing_is_timed_anew(tmp_path, content):
    from hmexp.training.precision import keep_seconds, recall_seconds

    path = tmp_path / "precision" / "one.json"
    assert recall_seconds(path) is None
    seconds = {"float32": 0.02, "mixed_bfloat16": 0.01}
    keep_seconds(path, seconds)
    assert recall_seconds(path) == seconds
    path.write_text(content)
    assert recall_seconds(path) is None
    assert [each.name for each in path.parent.iterdir()] == ["one.json"]


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(tmp_path):
    from hmexp.training.precision import keep_seconds

    (tmp_path / "precision").write_text("a file in the way")
    keep_seconds(tmp_path / "precision" / "one.json", {"float32": 0.02, "mixed_bfloat16": 0.01})


def test_a_second_run_takes_the_choice_of_the_first(hmexp):
    words = ("debug=fast", "data.image_size=16", "model=cnn", "model.widths=[7]", "tracking=none")  # no other test's
    said = [hmexp(*words, "trainer.precision=auto", f"seed={seed}").stdout for seed in (0, 1)]
    lines = [next(line for line in text.splitlines() if line.startswith("precision:")) for text in said]
    assert lines[1] == lines[0].removesuffix(")") + ", as timed before)"
