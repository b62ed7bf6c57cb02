"""Ends commands by signals at any moment from their first tenth of a second, and goes on as a user would.

Usage: kills.py FOLDER COUNT [SEED]     prints a JSON line a kill, and what was wrong, if anything was

The command that is ended, the signal and the moment are drawn by the seed. What goes on is the command that the line of
an interrupted one says, or else `resume=latest` where a run has begun, or else the same command again. Where the run
itself had ended, and only its process had not, `runs` completes its record.
"""

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
TRAIN = [
    *("model=cnn", "model.widths=[4]", "model.dense=4", "data.limit=300", "data.image_size=16", "trainer.epochs=3"),
    *("tracking.system_metrics=false",),
]
WHOLE = [word for word in TRAIN if not word.startswith("data.limit=")]
"""As a champion is trained: on a part of the catalogue none is."""
COMMANDS = {
    "train": TRAIN,
    "stage": ["stage", "data.image_size=40"],
    "sweep": ["-m", "model.dropout=0,0.5", *TRAIN],
    "promote": ["promote"],
}
TURNS = ("train", "train", "stage", "sweep", "train", "promote")


def command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "hmexp", *words]


def environment(root: Path) -> dict[str, str]:
    return os.environ | {"HMEXP_CACHE": str(root / "cache"), "TF_CPP_MIN_LOG_LEVEL": "2"}


def answer_all() -> None:
    """A shell lets what it runs in the background ignore Ctrl-C, and nohup SIGHUP; here all of them are to count."""
    for number in SIGNALS[1:]:
        signal.signal(number, signal.SIG_DFL)


def finish(words: list[str], root: Path) -> tuple[int, str]:
    """Runs a command to its end; gives its exit code and all that it said."""
    done = subprocess.run(command(words), cwd=root, env=environment(root), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def kill(words: list[str], root: Path, number: int, after: float) -> tuple[int, str]:
    """Runs a command and sends it a signal after some seconds; gives its exit code and all that it said."""
    output = root / "output.txt"
    with output.open("w") as stream:
        process = subprocess.Popen(
            command(words),
            cwd=root,
            env=environment(root),
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            preexec_fn=answer_all,
        )
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        code = process.wait(120)
    return code, output.read_text(errors="replace")


def goes_on(name: str, said: str, root: Path) -> list[str]:
    """The words that go on with what was ended."""
    line = re.search(r"this goes on: python -m hmexp (.*)", said)
    if line:
        return shlex.split(line[1])
    if name == "sweep" and list(root.glob("mlruns/sweeps/*/sweep.db")):
        return ["-m", "resume=latest"]
    records = [json.loads(path.read_text()) for path in root.glob("mlruns/jobs/*/run.json")]
    if name == "train" and records:
        return ["runs"] if all(record["status"] == "FINISHED" for record in records) else ["resume=latest"]
    return COMMANDS[name]


def begin(name: str, folder: Path, root: Path) -> None:
    """Make the folder of a command: empty, or with a copy of a run that can be promoted."""
    if name != "promote":
        root.mkdir(parents=True)
        return
    trained = folder / "trained"
    if not trained.exists():
        trained.mkdir()
        code, said = finish(WHOLE, trained)
        assert code == 0, said
    shutil.copytree(trained, root)


def duration(name: str, folder: Path) -> float:
    """Seconds that a command takes that nobody ends."""
    root = folder / f"timed_{name}"
    begin(name, folder, root)
    start = time.monotonic()
    code, said = finish(COMMANDS[name], root)
    assert code == 0, said
    return time.monotonic() - start


def faults(name: str, codes: list[int], said: list[str], root: Path) -> list[str]:
    """What is wrong after it went on."""
    from mlflow import MlflowClient

    wrong = [f"exit {codes[-1]}: {said[-1][-600:]}"] if codes[-1] != 0 else []
    wrong += [f"traceback: {text[-1500:]}" for text in said if "Traceback (most recent" in text]
    wrong += [f"no line after a signal: exit {codes[0]}"] if codes[0] in (-signal.SIGTERM, -signal.SIGINT) else []
    if name == "stage" or wrong:
        return wrong
    client = MlflowClient(f"sqlite:///{root / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("hmexp").experiment_id
    runs = [run for run in client.search_runs([experiment]) if "hmexp.kind" not in run.data.tags]
    expected = 2 if name == "sweep" else 1
    states = [run.info.status for run in runs]
    models = client.search_logged_models([experiment])
    if states != ["FINISHED"] * expected:
        wrong.append(f"runs {states}")
    if len(models) != expected or any(len(run.outputs.model_outputs) != 1 for run in runs if run.outputs):
        wrong.append(f"{len(models)} models")
    if any(len(run.inputs.dataset_inputs) != 3 for run in runs):
        wrong.append("datasets are there twice, or not at all")
    leftovers = [path for path in root.glob("mlruns/jobs/*") if not (path / "run.json").is_file()]
    if [path for path in leftovers if not path.name.startswith(".new-")]:
        wrong.append(f"left behind: {leftovers}")
    return wrong


def main(folder: Path, count: int, seed: int = 0) -> int:
    """Kills `count` commands; gives how many were not gone on with well."""
    draw = random.Random(seed)
    durations: dict[str, float] = {}
    failed = 0
    for number in range(count):
        name = TURNS[number % len(TURNS)]
        root = folder / f"{number:03d}_{name}"
        begin(name, folder, root)
        if name not in durations:
            durations[name] = duration(name, folder)
        after, signal_number = draw.uniform(0.1, durations[name]), draw.choice(SIGNALS)
        code, text = kill(COMMANDS[name], root, signal_number, after)
        codes, said = [code], [text]
        if code != 0:
            words = goes_on(name, text, root)
            code, text = finish(words, root)
            codes.append(code)
            said.append(text)
        wrong = faults(name, codes, said, root)
        failed += bool(wrong)
        about = {"number": number, "command": name, "signal": signal_number.name, "after": round(after, 2)}
        print(json.dumps(about | {"codes": codes, "wrong": wrong}), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(min(1, main(Path(sys.argv[1]).absolute(), int(sys.argv[2]), *map(int, sys.argv[3:4]))))
