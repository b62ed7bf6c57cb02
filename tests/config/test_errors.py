"""Every wrong input is answered by one line that names the key, before anything heavy is imported."""

import re
import subprocess
import sys

import pytest
from PIL import Image

from hmexp.cli import main

CASES = {
    "trainer.epoch=5": "trainer.epoch: expected a key of the configuration, received an unknown one (did you mean",
    "trainer.epochs=abc": "trainer.epochs: expected a value of type integer, received abc",
    "trainer.epochs=0": "trainer.epochs: expected a whole number from 1 to 100000, received 0",
    "trainer.stop_after=9": "expected null or a whole number from 1 to trainer.epochs=5, received 9",
    "trainer.precision=bfloat16": "(did you mean mixed_bfloat16?)",
    "model=1": "model: expected the name of an option, which --help lists, received 1",
    "data/split=[0]": "data/split: expected the name of an option",
    "schedule=[[1]]": "schedule: expected the name of an option",
    "optimizer={a:1}": "optimizer: expected the name of an option",
    "tracking=true": "tracking: expected the name of an option",
    "seed=${seed}": "seed: expected ${...} of a key that is there, received Recursive interpolation",
    "trainer.epochs=${nope}": "trainer.epochs: expected ${...} of a key that is there",
    "hydra.run.dir=/dev/null": "hydra.run.dir: expected a folder that can be made, received /dev/null",
    "hydra.run.dir=/dev/null/below": "hydra.run.dir: expected a folder that can be made",
    "optimizer.learning_rate=1e30": "optimizer.learning_rate: expected a number above 0, up to 1e+15, received 1e+30",
    "model.dense=999999999999": "model.dense: expected a whole number from 0 to",
    "trainer.batch_size=1e21": "trainer.batch_size: expected a value of type integer",
    "trainer.device=tpu": "trainer.device: expected auto, cpu, gpu or gpu:NUMBER, received tpu",
    "trainer.monitor=val/macrof1": "(did you mean val/macro_f1?)",
    "trainer.monitor=test/macro_f1": "trainer.monitor: ",
    "optimizer.learning_rate=-1": "optimizer.learning_rate: expected a number above 0, up to 1e+15, received -1.0",
    "schedule=cosin": "(did you mean cosine?)",
    "optimizer=adamx": "optimizer: expected one of adam, adamw, lion, muon, sgd, received adamx (did you mean adam?)",
    "model=cnn4": "model: expected one of backbone, cnn, cnn3, hub, imagenet, resnet, saved, received cnn4",
    "model.depth=9": "model.depth: expected 3, the number of model.widths (give one of the two), received 9",
    "modle=cnn3": "modle: expected a key of the configuration, received an unknown one (did you mean model?)",
    "trainer.ema=1": "trainer.ema: expected null or a number between 0 and 1, received 1.0",
    "trainer.accumulate=0": "trainer.accumulate: expected a whole number from 1 to 65536, received 0",
    "trainer.image_sizes=[64,256]": "trainer.image_sizes: expected sizes of at most data.image_size=180",
    "trainer.image_sizes=[64,96]": "trainer.image_sizes: expected null for a model whose head is tied to a size",
    "trainer.strategy=miror": "(did you mean mirrored?)",
    "trainer.jit_compile=yes": "trainer.jit_compile: expected one of auto, true, false, received yes",
    "schedule.warmup=1": "schedule.warmup: expected a key of the chosen schedule, received one of schedule=one_cycle",
    "schedule.warm=1": "schedule.warm: expected a key of the configuration, received an unknown one",
    "optimizer.momentum=0.9": "of the chosen optimizer, received one of optimizer=sgd and optimizer=muon",
    "data.split.column=side": "expected a key of the chosen data/split, received one of data/split=fixed",
    "augment=stron": "augment: expected one of light, none, strong, received stron (did you mean strong?)",
    "augment.crop=0": "augment.crop: expected a share above 0, up to 1, received 0.0",
    "loss.label_smoothing=1": "loss.label_smoothing: expected a share from 0 to below 1, received 1.0",
    "data.slices=[colour]": "data.slices: expected columns of the catalogue",
    "+trainer.extra=1": "trainer.extra: expected a key of the configuration, received an unknown one",
    "++zzz=1": "zzz: expected a key of the configuration, received an unknown one",
    "data=kaggle": "data: expected one of folder, hm, sample, table, received kaggle",
    "data=hm": "data.root: expected a value, received none (give data.root=...)",
    "data.merge=rare": "received a name (an option is chosen with data/merge=NAME)",
    "data.balance.cap=-1": "data.balance.cap: expected a whole number from 1 to 10000000, min or median, received -1",
    "data.balance.cap=mdian": "(did you mean median?)",
    "data.balance.classes=[Shos]": "received Shos (did you mean Shoes?)",
    "data.split.fractions.train=0.9": "data.split.fractions: expected train + val + test to add up to 1, received 1.1",
    "data.image_size=2": "data.image_size: expected a whole number of pixels from 8 to 2048, received 2",
    "data.label=colour": "data.label: expected a column of articles.csv",
    "seed=-1": "seed: expected a whole number from 0 to 4294967295, received -1",
    "backend=jux": "backend: expected one of tensorflow, jax, torch, received jux (did you mean jax?)",
    "experiment=seed_baselin": "(did you mean seed_baseline?)",
    "plugins=[no.such.module]": "plugins: expected modules that can be imported, received no.such.module",
    "trian": "embed, similar, recommend, export, clean, serve, ui, doctor, received trian (did you mean train?)",
    "data.root=[1": "data.root: expected nothing with data=sample",
    "a=[1": "a=[1: expected KEY=VALUE in Hydra's grammar",
}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HMEXP_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("word", CASES, ids=CASES)
def test_one_line_exit_2_nothing_written(word, capfd, tmp_path):
    assert main([word]) == 2
    out, err = capfd.readouterr()
    assert err.startswith("hmexp: error: ")
    assert CASES[word] in err
    assert err.count("\n") == 1
    assert "Error executing" not in out
    assert list(tmp_path.iterdir()) == []


def test_a_preset_that_has_keys_of_another_option_names_the_option_and_the_file(capfd):
    assert main(["experiment=fast", "optimizer=adamw"]) == 2
    said = "expected a key of the chosen optimizer, received one of optimizer=muon in experiment/fast.yaml"
    assert said in capfd.readouterr().err


def test_rules_of_the_models(capfd):
    for words, expected in {
        ("model=backbone", "model.name=EfficentNetB0"): "(did you mean EfficientNetB0?)",
        ("model=backbone", "model.freeze_epochs=2"): "model.freeze_epochs: expected 0 without model.weights",
        (
            "model=backbone",
            "model.freeze_share=0.3",
        ): "model.freeze_share: expected 0 without model.weights, received 0.3",
        ("model=backbone", "model.weights=no.h5"): "model.weights: expected null, imagenet, or a file that is there",
        ("model=backbone", "model.name=no.keras"): "a file that is there, received no.keras",
        (
            "model=backbone",
            "model.name=no.keras",
            "model.weights=a.h5",
        ): "model.weights: expected null beside a network",
        ("model=backbone", "model.name=network.h5"): "a network of keras.applications, or a file NAME.keras",
        ("model=hub",): "model.preset: expected a value, received none",
        ("model=resnet", "model.blocks=[1,2]"): "model.blocks: expected null, one number, or 4 (one a stage)",
        ("model=resnet", "model.depth=9"): "model.depth: expected at most 8 stages for data.image_size=180",
        ("model=resnet", "model.stem=path"): "(did you mean patch?)",
    }.items():
        assert main(list(words)) == 2
        assert expected in capfd.readouterr().err


def test_two_keys_that_do_not_fit_together(capfd):
    assert main(["model=cnn", "model.depth=9"]) == 2
    expected = "model.depth: expected at most 7 blocks for data.image_size=180, received 9"
    assert expected in capfd.readouterr().err


def test_a_contrastive_loss_needs_articles_that_belong_together_and_are_themselves(tmp_path, capfd):
    assert main(["loss=contrastive", "augment.mixup=0.2"]) == 2
    assert "augment.mix_share: expected 0 with loss=contrastive" in capfd.readouterr().err
    for name in ("hat", "shoe"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for shade in range(6):
            Image.new("RGB", (8, 8), (shade, 0, 0)).save(tmp_path / "pictures" / name / f"{name}{shade}.png")
    assert main(["loss=contrastive", "data=folder", "data.root=pictures"]) == 2
    said = capfd.readouterr().err
    assert "loss: expected several articles of a group (data.group_column) in train" in said
    assert "each alone" in said
    assert not (tmp_path / "mlruns").exists()


def test_broken_yaml_names_file_and_line(tmp_path, capfd):
    folder = tmp_path / "mine" / "experiment"
    folder.mkdir(parents=True)
    (folder / "bad.yaml").write_text("# @package _global_\ntrainer:\n  epochs: [1\n")
    assert main(["--config-dir", str(tmp_path / "mine"), "experiment=bad"]) == 2
    assert "bad.yaml, line" in capfd.readouterr().err


def test_a_typo_in_a_preset_names_the_file(tmp_path, capfd):
    folder = tmp_path / "experiments"
    folder.mkdir()
    (folder / "mine.yaml").write_text("# @package _global_\ntrainer:\n  epoch: 3\n")
    assert main(["experiment=mine"]) == 2
    assert "trainer.epoch: expected a key" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("files", "words", "line"),
    [
        (
            [],
            ["data=hm", "data.root=nowhere"],
            "data.root: expected the folder of a catalogue, or its zip archive, received nowhere",
        ),
        (["x.txt"], ["data=hm", "data.root=."], "data.root: expected a folder with articles.csv and images/"),
        (
            ["x.txt"],
            ["data=folder", "data.root=."],
            "data.root: expected a folder of pictures for each class",
        ),
    ],
)
def test_catalogues_that_are_not_there(files, words, line, tmp_path, capfd):
    for name in files:
        (tmp_path / name).write_text("x")
    assert main(words) == 2
    assert line in capfd.readouterr().err


def test_articles_without_the_columns(tmp_path, capfd):
    (tmp_path / "articles.csv").write_text("id,product_group_name\n1,Shoes\n")
    assert main(["data=hm", "data.root=."]) == 2
    assert "expected a column article_id in articles.csv" in capfd.readouterr().err


@pytest.mark.slow
def test_wrong_input_and_help_import_nothing_heavy():
    script = (
        "import sys; from hmexp.cli import main; main(['trainer.epochs=0']); main(['--help']); "
        "print([name for name in ('tensorflow', 'keras', 'mlflow', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [["--config-name=evaluate", "seed=1"], ["-m", "-cp", "/tmp", "seed=1,2"]])
def test_the_verb_decides_the_primary_config(words, capsys):
    assert main(words) == 2
    assert re.search(r"^hmexp: error: -\S+: expected --config-dir DIR", capsys.readouterr().err)
