"""hmexp from Python: in a notebook, in a thread, with what the process has left as it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hmexp

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "quickstart.ipynb"


def python(code: str, folder: Path, cache: Path, **env: str) -> str:
    """What a new process prints that runs this code in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"HMEXP_CACHE": str(cache)} | env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.slow
def test_importing_is_cheap_and_lists_what_is_public(tmp_path):
    heavy = ("tensorflow", "keras", "mlflow", "pandas", "hydra")
    code = f"import sys, hmexp; print([module for module in {heavy} if module in sys.modules])"
    assert python(code, tmp_path, tmp_path) == "[]\n"
    for name in hmexp.__all__:
        assert getattr(hmexp, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trainer'"):
        _ = hmexp.trainer


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: hmexp.run(["model=cn"]), r"model: expected one of .*cnn.*received cn"),
        (lambda: hmexp.run(["trainer.epochs=0"]), r"trainer\.epochs: expected"),
        (lambda: hmexp.run(["-m", "seed=1,2"]), "-m: expected KEY=VALUE, received -m"),
        (lambda: hmexp.run(["seed=1,2"]), "seed"),
        (lambda: hmexp.run(["train"]), "train: expected KEY=VALUE"),
        (lambda: hmexp.run(["resume=nobody"]), "resume: expected a run id"),
        (lambda: hmexp.Trainer(epoch=3), r"trainer\.epoch: .*did you mean trainer\.epochs\?"),
        (lambda: hmexp.Trainer(epochs="many"), r"trainer\.epochs: expected a value of type integer, received many"),
        (lambda: hmexp.Trainer(epochs=0), r"trainer\.epochs: expected"),
        (lambda: hmexp.Trainer(overrides=["optimizer=adm"]), r"optimizer: .*did you mean adam"),
        (lambda: hmexp.Trainer().evaluate(), r"model: expected a model and data, or fit\(\) before this"),
        (lambda: hmexp.DataModule.sample(image_siz=3), r"data\.image_siz: .*did you mean data\.image_size\?"),
        (lambda: hmexp.DataModule.sample(image_size=3), r"data\.image_size: expected a whole number"),
        (lambda: hmexp.DataModule.from_folder("/nowhere"), r"data\.root: expected the folder of a catalogue"),
        (lambda: hmexp.load("nobodyknows"), "run: expected a run id"),
        (lambda: hmexp.load("champion"), r"paths\.root: expected a folder with recorded runs"),
    ],
)
def test_what_exit_code_2_would_say_is_a_user_error(call, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(hmexp.UserError, match=line):
        call()
    assert not list(tmp_path.iterdir())


IN_A_THREAD = """
import json, logging, os, signal, threading
import numpy as np
import hmexp

def state():
    log = logging.getLogger("hmexp")
    signals = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    return signals, os.getcwd(), list(logging.root.handlers), list(log.handlers), log.propagate

found = {}
WORDS = ["model=cnn", "model.widths=[4,8]", "data.image_size=16", "data.limit=400"]

def work():
    by_words = hmexp.run([*WORDS, "trainer.epochs=2", "seed=1"])
    data = hmexp.DataModule.sample(image_size=16, limit=400)
    model = hmexp.build_model("cnn", data, seed=1, widths=[4, 8])
    epochs = []

    import keras

    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    trainer = hmexp.Trainer(epochs=2, callbacks=[told], overrides=["seed=1"])
    result = trainer.fit(model, data)
    own = keras.Sequential([
        keras.Input((16, 16, 3), dtype="uint8"), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),
        keras.layers.Dense(len(data.class_names)),
    ])
    before = own.get_weights()[0].copy()
    of_own = hmexp.Trainer(epochs=1, overrides=["tracking=none"]).fit(own, data)
    pictures = data.store.read([0, 1, 2])
    classifier = hmexp.load(result.job_dir)
    classes, probabilities = classifier.predict(pictures)
    logits = np.asarray(model(pictures)) / classifier.card.temperature
    softmax = np.exp(logits - logits.max(1, keepdims=True))
    softmax /= softmax.sum(1, keepdims=True)
    found.update(
        words=by_words.metrics, api=result.metrics, epochs=epochs, evaluated=trainer.evaluate(), digest=data.digest,
        own_moved=bool((own.get_weights()[0] != before).any()), own_dir=str(of_own.job_dir),
        files=[sorted(p.name for p in r.job_dir.iterdir()) for r in (by_words, result)],
        classes=classes == [classifier.class_names[i] for i in softmax.argmax(1)],
        probabilities=float(np.abs(probabilities - softmax).max()), rows=len(trainer.predict(split="val")),
        sizes=data.sizes(), batches=[list(next(iter(b))[0].shape) for b in
            (data.train_batches(batch_size=8), data.val_batches(batch_size=8), data.test_batches(batch_size=8))],
    )

before = state()
thread = threading.Thread(target=work)
thread.start()
thread.join()
assert state() == before, (before, state())
print(json.dumps(found))
"""


@pytest.mark.slow
def test_in_a_thread_it_does_what_the_command_does_and_leaves_the_process_alone(cache, tmp_path, hmexp):
    import json

    import pandas as pd

    found = json.loads(python(IN_A_THREAD, tmp_path, cache).splitlines()[-1])
    assert found["words"] == pytest.approx(found["api"], rel=1e-5), "the same seeds, words or objects"
    assert found["epochs"] == [0, 1]
    test = {name.removeprefix("test/"): value for name, value in found["api"].items() if name.count("/") == 1}
    assert {name: value for name, value in found["evaluated"].items()} == pytest.approx(
        {name: test[name] for name in found["evaluated"]}, rel=1e-5
    )
    assert found["own_moved"]
    assert found["files"][0] == found["files"][1]
    assert found["classes"]
    assert found["probabilities"] < 1e-5
    assert found["rows"] == found["sizes"]["val"]
    assert found["batches"] == [[8, 16, 16, 3]] * 3
    # A network that was made in Python can be trained again from the command line.
    again = tmp_path / "again"
    hmexp(f"rerun={found['own_dir']}", f"hydra.run.dir={again}", "tracking=none", cwd=tmp_path)
    one, two = (pd.read_csv(Path(folder) / "history.csv") for folder in (found["own_dir"], again))
    assert one["train/loss"].tolist() == pytest.approx(two["train/loss"].tolist(), rel=1e-4)


@pytest.mark.slow
def test_the_quickstart_runs_as_a_notebook(cache, tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("HMEXP_CACHE", str(cache))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    lines = [line for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines() if line]
    assert len(lines) <= 10
    for cell in notebook.cells:  # as it is, but for the size
        cell.source = cell.source.replace("image_size=64", "image_size=16").replace("[16, 32, 64]", "[4, 8]")
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    shown = "".join(output.data.get("text/plain", "") for some in outputs for output in some if "data" in output)
    assert "test/macro_f1" in shown
    assert list(tmp_path.glob("mlruns/jobs/*/report.html"))
    errors = [output for some in outputs for output in some if output.output_type == "error"]
    assert not errors
