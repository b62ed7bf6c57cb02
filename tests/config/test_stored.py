"""The words that name a stored run."""

from hmexp.config.stored import run_words


def test_null_and_nothing_name_no_run():
    assert run_words(["resume=null", "rerun=", "fork='latest'", "seed=1"]) == {"fork": "latest"}
