"""Stored runs: the words that name them, and what differs from their configuration."""

from dataclasses import replace

from omegaconf import OmegaConf

from hmexp.config.compose import compose_words, explained
from hmexp.config.schemas import to_config
from hmexp.config.stored import differences, run_words
from hmexp.config.verbs import RunConfig


def test_null_and_nothing_name_no_run():
    assert run_words(["resume=null", "rerun=", "fork='latest'", "seed=1"]) == {"fork": "latest"}


def test_a_key_that_an_earlier_version_did_not_have_had_its_default():
    with explained():
        config = to_config(compose_words(["experiment=fast", "trainer.max_steps=null"]).tree, RunConfig)
    stored = OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(config)))
    assert differences(config, stored, ()) == []
    for key in ("max_steps", "minutes", "data_on_device", "image_sizes"):
        del stored.trainer[key]
    del stored["callbacks"], stored.data["slices"]
    assert differences(config, stored, ()) == ["trainer.image_sizes=[48, 64] (was None)"], "the preset's, no default"
    changed = replace(config, trainer=replace(config.trainer, max_steps=5))
    assert "trainer.max_steps=5 (was None)" in differences(changed, stored, ())
