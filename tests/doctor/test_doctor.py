"""`doctor`: each check sees what it is there for, and none keeps another from being made."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hmexp.cli import main
from hmexp.config.compose import compose_words
from hmexp.config.doctor import DoctorConfig
from hmexp.config.errors import UserError
from hmexp.config.record import PathsConfig
from hmexp.config.schemas import to_config
from hmexp.doctor import backend, packages, places, records
from hmexp.doctor.check import FAIL, OK, WARN, Check, made
from hmexp.training.backends.choice import may_have_gpu

FEW = {"numpy": "numpy", "rich": "rich"}


def config_in(folder: Path, *words: str) -> DoctorConfig:
    places_ = (f"paths.root={folder}", f"paths.cache={folder / 'cache'}")
    return to_config(compose_words([*places_, *words], "doctor").tree, DoctorConfig)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    for label in ("hats", "shoes"):
        (root / label).mkdir()
        for number in range(10):
            pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


def test_a_check_that_raises_is_a_line():
    def broken():
        yield Check("thing", OK, "the first half")
        raise AttributeError("module 'numpy' has\nno attribute 'object'")

    found = list(made("thing", broken))
    assert [check.level for check in found] == [OK, FAIL]
    assert str(found[1]) == "fail  thing        AttributeError: module 'numpy' has no attribute 'object'"


def test_what_a_user_got_wrong_is_said_as_everywhere():
    def wrong():
        raise UserError("data.root: expected a folder, received none")
        yield

    [found] = made("data", wrong)
    assert found.text == "data.root: expected a folder, received none"


def test_a_remedy_stands_below():
    assert str(Check("disk", WARN, "little", "make room")).splitlines()[1].split() == ["->", "make", "room"]


def test_this_installation_is_as_it_should_be():
    assert [check.level for check in packages.python()] == [OK]
    assert [check for check in packages.versions() if check.level == FAIL] == []
    [extras] = packages.extras()
    assert extras.level == OK and "dev" not in extras.text


def test_packages_that_cannot_be_imported_or_crash_are_named_and_the_others_tried(tmp_path, monkeypatch):
    (tmp_path / "raises.py").write_text("raise AttributeError('built for another numpy')\n")
    (tmp_path / "crashes.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    broken = {"numpy": "json", "pandas": "raises", "rich": "string", "pillow": "crashes", "scipy": "this_is_not_there"}
    monkeypatch.setattr(packages, "IMPORTED", broken)
    found = list(packages.imports())
    assert [check.text.split()[0] for check in found] == ["pandas", "pillow", "scipy"]
    assert "built for another numpy" in found[0].text
    assert {check.level for check in found} == {FAIL}
    assert found[1].remedy == "pip install --force-reinstall pillow"


def test_a_package_that_hmexp_is_made_of_is_a_line_and_no_traceback(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "hydra", None)
    monkeypatch.setattr(packages, "IMPORTED", FEW)
    assert main(["doctor"]) == 1
    said = capsys.readouterr()
    assert "hydra" in said.out.splitlines()[-2] + said.out.splitlines()[-1]
    assert "Traceback" not in said.out + said.err


def paths_in(folder: Path) -> PathsConfig:
    return PathsConfig(root=str(folder), cache=str(folder / "cache"))


def test_places_are_written_to_and_left_as_they_were(tmp_path):
    paths = paths_in(tmp_path / "new")
    assert [check.level for check in places.writing(paths)] == [OK, OK]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc")
def test_a_place_that_cannot_be_written_fails():
    found = list(places.writing(paths_in(Path("/proc/self/new"))))
    assert [check.level for check in found] == [FAIL, FAIL]
    assert found[0].remedy == "give another folder: paths.root=FOLDER"


@pytest.mark.parametrize(("little", "too_little", "level"), [(0, 0, OK), (2**62, 0, WARN), (2**62, 2**62, FAIL)])
def test_a_disk_is_judged_by_what_is_free(little, too_little, level, tmp_path, monkeypatch):
    monkeypatch.setattr(places, "LITTLE", little)
    monkeypatch.setattr(places, "TOO_LITTLE", too_little)
    found = list(places.disk(paths_in(tmp_path)))
    assert [check.level for check in found] == [level, level]
    assert ("hmexp clean" in found[0].remedy) == (level != OK)


def test_data_that_is_staged_or_not_or_wrong(pictures, tmp_path):
    words = ("data=folder", f"data.root={pictures}", "data.image_size=16")
    config = config_in(tmp_path, *words)
    text = [check.text for check in records.data(config)]
    assert text[0].endswith("20 rows, 2 classes (16 train, 2 val, 2 test)")
    assert "not staged yet" in text[1]
    from hmexp.datamodule import DataModule

    DataModule(config.data, config.paths).prepare()
    assert "its 20 pictures are staged" in list(records.data(config))[1].text
    wrong = config_in(tmp_path, *words, "data/balance=undersample", "data.balance.classes=[hat]")
    [found] = made("data", lambda: records.data(wrong))
    assert found.level == FAIL and "hat" in found.text


def test_stores_that_are_damaged_or_half_built_are_warned_of(pictures, tmp_path):
    config = config_in(tmp_path, "data=folder", f"data.root={pictures}", "data.image_size=8")
    from hmexp.datamodule import DataModule

    store = DataModule(config.data, config.paths).prepare()
    assert [check.level for check in records.stores(config.paths, verify=True)] == [OK]
    (store.path.parent / f"{'0' * 32}.partial").mkdir()
    file = store.path / "pictures.npy"
    content = bytearray(file.read_bytes())
    content[200] ^= 255
    file.write_bytes(content)
    found = list(records.stores(config.paths, verify=False))
    assert [check.level for check in found] == [WARN, WARN, OK]
    assert any("checksum" in check.text and check.remedy.startswith("rm -r") for check in found)
    assert found[-1].text.startswith("0 sound ones")


def test_a_damaged_database_fails_and_none_is_fine(tmp_path):
    assert "will be made" in next(records.records(config_in(tmp_path))).text
    assert "not recorded" in next(records.records(config_in(tmp_path, "tracking=none"))).text
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(b"this is no database" * 100)
    [found] = made("mlflow", lambda: records.records(config_in(tmp_path)))
    assert found.level == FAIL and "damaged" in found.text


def test_a_backend_that_cannot_be_imported_fails(tmp_path, monkeypatch):
    (tmp_path / "keras.py").write_text("raise RuntimeError('this is no Keras')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    [found] = made("backend", lambda: backend.backend(config_in(tmp_path)))
    assert found.level == FAIL and "this is no Keras" in found.text
    assert "pip install --force-reinstall tensorflow keras" in found.remedy


@pytest.mark.skipif(may_have_gpu(), reason="this machine may have a GPU")
def test_a_device_that_is_not_there_fails_and_nothing_is_to_be_installed_again(tmp_path, monkeypatch):
    config = config_in(tmp_path, "trainer.device=gpu:9")
    [found] = made("settings", lambda: records.rules(config))
    assert found.level == FAIL and found.text.startswith("trainer.device: expected one of auto, cpu")
    [found] = backend.backend(config)
    assert (found.level, found.remedy) == (FAIL, "")


@pytest.mark.slow
def test_the_whole_says_that_a_run_can_work_and_fails_where_it_cannot(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packages, "IMPORTED", FEW)
    words = ("data=folder", f"data.root={pictures}", f"paths.cache={tmp_path / 'cache'}")
    assert main(["doctor", *words]) == 0
    said = capsys.readouterr().out
    assert "a compiled training step works" in said
    assert "this run can work" in said
    assert list(tmp_path.iterdir()) == [], "nothing is written"
    monkeypatch.setattr(backend, "_tried", lambda config: {"error": "not again"})
    assert main(["doctor", *words, "data.root=nowhere"]) == 1
    done = capsys.readouterr()
    assert "data.root: expected the folder of a catalogue" in done.out
    assert "checks failed: this run could not work" in done.err
