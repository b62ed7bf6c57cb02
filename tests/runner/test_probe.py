"""A head on stored features: a run like any other, whose bundle classifies pictures by itself."""

import json

import numpy as np
import pandas as pd
import pytest
from made_networks import small_network

import hmexp
from hmexp.config.errors import UserError

WORDS = ("data=sample", "data.image_size=16", "data.limit=150", "tracking=none", "trainer.batch_size=64")
PROBE = (*WORDS, "model.freeze_epochs=null", "trainer.cache_features=true")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    import keras

    path = tmp_path_factory.mktemp("network") / "small.keras"
    keras.utils.set_random_seed(0)
    small_network().save(path)
    return path


@pytest.fixture
def run(tmp_path, cache):
    def with_words(*words):
        return hmexp.run([f"paths.root={tmp_path}", f"paths.cache={cache}", *words])

    return with_words


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["model=cnn3"], r"trainer\.cache_features: expected a pretrained model .*, received cnn"),
        (["model=backbone"], r"trainer\.cache_features: expected a pretrained model"),
        (["model.freeze_epochs=3"], r"model\.freeze_epochs: expected null with trainer\.cache_features.*received 3"),
        (["augment=light"], r"augment: expected none with trainer\.cache_features: features are those of pictures as"),
        (["trainer.image_sizes=[8,16]"], r"trainer\.image_sizes: expected null with"),
        (["trainer.precision=auto"], r"trainer\.precision: expected float32 or another one by its name"),
        (["loss=contrastive"], "loss: expected one of logits alone"),
        (["trainer.monitor=val/recall_at_1"], r"trainer\.monitor: expected a metric of the classes"),
    ],
)
def test_what_would_move_the_features_is_a_line(words, line, run, tmp_path):
    never_read = tmp_path / "net.keras"
    never_read.touch()
    pretrained = ["model=backbone", f"model.name={never_read}", "model.freeze_epochs=null"]
    model = [] if words[0].startswith("model=") else pretrained
    with pytest.raises(UserError, match=line):
        run(*WORDS, "trainer.cache_features=true", *model, *words)
    assert not (tmp_path / "mlruns").exists()


@pytest.fixture(scope="module")
def probed(network, cache, tmp_path_factory):
    """A run on stored features; the file of its network is another one by now."""
    folder = tmp_path_factory.mktemp("probed")
    mine = folder / "mine.keras"
    mine.write_bytes(network.read_bytes())
    model = (
        "model=backbone",
        f"model.name={mine}",
        "model.dense=8",
        "optimizer.learning_rate=0.03",
        "trainer.epochs=3",
    )
    done = hmexp.run([f"paths.root={folder}", f"paths.cache={cache}", *PROBE, *model, "deterministic=true"])
    small_network(width=4).save(mine)
    return done.job_dir


def record(job_dir):
    return json.loads((job_dir / "run.json").read_text())


@pytest.mark.slow
def test_its_bundle_classifies_pictures_by_itself(probed, sample):
    predictions = pd.read_parquet(probed / "predictions.parquet")
    some = predictions[predictions["split"] == "val"].head(8)
    said = hmexp.load(probed).predict([sample / image for image in some["image"]])
    assert said.classes == some["predicted"].tolist()
    card = json.loads((probed / "model" / "card.json").read_text())
    assert card["pretrained"].startswith("mine.keras SHA-256 ")
    assert (probed / "figures" / "grad_cam_test.png").is_file()


@pytest.mark.slow
def test_it_learns_what_it_would_learn_from_the_pictures(probed, network, run):
    model = ("model=backbone", f"model.name={network}", "model.dense=8", "model.freeze_epochs=null")
    through = run(*WORDS, *model, "optimizer.learning_rate=0.03", "trainer.epochs=3", "deterministic=true")
    ours, theirs = (pd.read_csv(job / "history.csv")["train/loss"].tolist() for job in (probed, through.job_dir))
    assert ours == pytest.approx(theirs, abs=1e-3)
    assert ours[-1] < ours[0]


@pytest.mark.slow
def test_it_goes_on_without_its_file_and_computes_nothing_again(probed, run, cache):
    features = cache / "features" / record(probed)["features"]
    assert np.load(features / "features.npy").shape[1] == 8
    written = (features / "features.npy").stat().st_mtime_ns
    forked = run(f"fork={probed}", "trainer.epochs=4", "seed=1").job_dir
    assert record(forked)["features"] == features.name
    assert (features / "features.npy").stat().st_mtime_ns == written
    assert (forked / "config.yaml").read_text().count(sha256_line(probed)) == 1


def sha256_line(job_dir):
    lines = (job_dir / "config.yaml").read_text().splitlines()
    return next(line for line in lines if line.strip().startswith("sha256: "))


@pytest.mark.slow
def test_a_network_is_known_by_what_it_computes_not_by_its_names(network):
    from hmexp.config.pretrained import BackboneConfig
    from hmexp.models.build import build_model
    from hmexp.models.features import digest_of, feature_model

    bodies = [feature_model(build_model(BackboneConfig(name=str(network)), 16, 3)) for _ in range(2)]
    assert digest_of(bodies[0]) == digest_of(bodies[1])
    kernel = bodies[1].get_layer("backbone").get_layer("conv").kernel
    kernel.assign(kernel * 1.001)
    assert digest_of(bodies[0]) != digest_of(bodies[1])
