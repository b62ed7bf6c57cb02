"""The rows of one GPU: hmexp beside bare Keras and a scan over data on the device, recipes, and a resume after a kill.

Usage: sh benchmarks/gpu.sh ROOT [--small] [--only WHAT,...] [--finetune WORDS]

Each training is a command of its own in an empty cache, `backend` as KERAS_BACKEND says. --small takes few and small
pictures, to try the script where there is no GPU. --finetune gives further words to the recipe, such as
"model.name=FILE.keras"; without them its network is trained from scratch, and only its time says something.
"""

import argparse
import dataclasses
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

BACKEND = os.environ.get("KERAS_BACKEND", "jax")
CLASSES = 9
FORMATS = {"batch 32, float32": (32, "float32"), "batch 256, mixed_bfloat16": (256, "mixed_bfloat16")}
NOT_MEASURED = "not measured"
HMEXP = [sys.executable, "-m", "hmexp"]


@dataclasses.dataclass(frozen=True)
class Bench:
    """Where and how large.

    Attributes:
        scratch: Folder of the runs and of the cache.
        pictures: ROOT.
        small: Few and small pictures.
        finetune: Words of the recipe `finetune`.
    """

    scratch: Path
    pictures: Path
    small: bool
    finetune: list[str]

    @property
    def side(self) -> int:
        """Of the pictures of `cnn3`, in pixels."""
        return 24 if self.small else 180

    @property
    def num(self) -> int:
        """Pictures of the bare trainings."""
        return 512 if self.small else 11_800

    def words(self, name: str, *words: str) -> list[str]:
        """A training's command; the last word of a key counts."""
        shared = ["data=folder", f"data.root={self.pictures}", f"backend={BACKEND}", "tracking=none", "data.slices=[]"]
        shared += [f"paths.root={self.scratch / name}", f"paths.cache={self.scratch / 'cache'}"]
        shared += ["data.limit=400"] if self.small else []
        return [*HMEXP, *{word.partition("=")[0]: word for word in (*shared, *words)}.values()]

    def train(self, name: str, *words: str) -> Path:
        """One training; gives its folder."""
        done = subprocess.run(self.words(name, *words), capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr[-2000:]}")
        return max((self.scratch / name / "mlruns" / "jobs").iterdir())

    def cnn3(self, name: str, form: str, *words: str) -> Path:
        """A training of `cnn3`."""
        batch, precision = FORMATS[form]
        own = [f"trainer.batch_size={batch}", f"trainer.precision={precision}", f"data.image_size={self.side}"]
        return self.train(name, "model=cnn3", "trainer.epochs=4", *own, *words)


def rates(bench: Bench) -> Iterator[tuple[str, ...]]:
    """Images a second of later epochs: hmexp streaming and from the device, bare `fit`, the scan."""
    for form in FORMATS:
        for place in _places():
            words = [] if place is None else [f"trainer.data_on_device={place}"]
            history = pd.read_csv(bench.cnn3(f"rate-{form[:9]}-{place}", form, *words) / "history.csv")
            label = {None: "", "true": ", pictures on the device", "false": ", streaming"}[place]
            yield f"hmexp{label}", form, f"{history['images_per_second'].iloc[1:].median():,.0f}"
        keras_alone = {"bare Keras `fit`, host arrays": bare, "the same, one batch on the device": one_batch}
        for label, measure in keras_alone.items():
            yield label, form, f"{measure(bench, *FORMATS[form]):,.0f}"
        found = f"{scan(bench, *FORMATS[form]):,.0f}" if BACKEND == "jax" else NOT_MEASURED
        yield "`lax.scan` over pictures on the device", form, found


def _places() -> list[str | None]:
    """Values of `trainer.data_on_device`, where this version has the key."""
    from hmexp.config.training import TrainerConfig

    known = [field.name for field in dataclasses.fields(TrainerConfig)]
    return ["false", "true"] if "data_on_device" in known else [None]


def compiled(bench: Bench, precision: str) -> Any:  # noqa: ANN401
    """`cnn3`, compiled as a bare script would."""
    import keras

    from hmexp.config.model import CnnConfig
    from hmexp.models.build import build_model

    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(0)
    model = build_model(CnnConfig(widths=[16, 32, 64]), bench.side, CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    return model


def arrays(bench: Bench) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and targets; of noise, as their content does not change the time."""
    rng = np.random.default_rng(0)
    shape = (bench.num, bench.side, bench.side, 3)
    return rng.integers(0, 256, shape, dtype=np.uint8), rng.integers(0, CLASSES, bench.num)


def bare(bench: Bench, batch: int, precision: str) -> float:
    """Images a second of `fit` from arrays in memory: the fastest of two epochs after the first."""
    pictures, targets = arrays(bench)
    return _fastest(compiled(bench, precision), bench.num, pictures, targets, batch_size=batch)


def one_batch(bench: Bench, batch: int, precision: str) -> float:
    """Images a second of `fit` from a single batch that is on the device already."""
    import keras

    model = compiled(bench, precision)
    pictures, targets = (keras.ops.convert_to_tensor(part[:batch]) for part in arrays(bench))
    steps = bench.num // batch

    def endless() -> Iterator[tuple[Any, Any]]:
        while True:
            yield pictures, targets

    return _fastest(model, steps * batch, endless(), steps_per_epoch=steps, shuffle=False)


def _fastest(model: Any, num: int, *data: Any, **named: Any) -> float:  # noqa: ANN401
    import keras

    times: list[float] = []

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ANN401
            times.append(time.perf_counter())

    model.fit(*data, epochs=3, verbose=0, callbacks=[Clock()], **named)
    times.append(time.perf_counter())
    return num / min(np.diff(times)[1:])


def scan(bench: Bench, batch: int, precision: str) -> float:
    """Images a second of an epoch in one `lax.scan`, which gathers its batches from pictures on the device."""
    import jax
    import jax.numpy as jnp

    model = compiled(bench, precision)
    pictures, targets = (jnp.asarray(part) for part in arrays(bench))
    model.optimizer.build(model.trainable_variables)
    state = tuple(
        [variable.value for variable in several]
        for several in (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    )

    def loss_of(trained: Any, others: Any, chosen: Any) -> Any:  # noqa: ANN401
        logits, others = model.stateless_call(trained, others, pictures[chosen], training=True)
        return model.compute_loss(y=targets[chosen], y_pred=logits), others

    def step(state: Any, chosen: Any) -> Any:  # noqa: ANN401
        trained, others, slots = state
        (loss, others), slopes = jax.value_and_grad(loss_of, has_aux=True)(trained, others, chosen)
        trained, slots = model.optimizer.stateless_apply(slots, slopes, trained)
        return (trained, others, slots), loss

    epoch: Callable[..., Any] = jax.jit(lambda state, order: jax.lax.scan(step, state, order))
    steps = bench.num // batch
    times = []
    for number in range(3):
        order = np.random.default_rng(number).permutation(bench.num)[: steps * batch].reshape(steps, batch)
        start = time.perf_counter()
        state, losses = epoch(state, jnp.asarray(order))
        jax.block_until_ready(losses)
        times.append(time.perf_counter() - start)
    return steps * batch / min(times[1:])


def first_epochs(bench: Bench) -> Iterator[tuple[str, ...]]:
    """Seconds of the first epoch and of the later ones, of a first process and of the next one."""
    shorter = ["trainer.stop_after=3", "trainer.precision=float32"]
    cache = f"paths.cache={bench.scratch / 'empty'}"  # the parts before have filled the other one
    small = ["data.image_size=48", "trainer.image_sizes=[32,48]"] if bench.small else []
    trainings: dict[str, Callable[[str], Path]] = {
        "`cnn3`": lambda name: bench.cnn3(name, "batch 32, float32", cache),
        "`fast`": lambda name: bench.train(
            name, "experiment=fast", "trainer.precision=float32", cache, *shorter, *small
        ),
    }
    for label, train in trainings.items():
        for which in ("first", "second"):
            seconds = pd.read_csv(train(f"epochs-{label.strip('`')}-{which}") / "history.csv")["seconds"]
            yield label, which, f"{seconds.iloc[0]:.1f}", f"{seconds.iloc[1:].median():.1f}"


def profiled(bench: Bench) -> Iterator[tuple[str, ...]]:
    """The table of `debug=profile`, and how many programs were compiled."""
    job = bench.cnn3("profile", "batch 32, float32", "debug=profile")
    for row in pd.read_csv(job / "profile.csv").itertuples():
        yield str(row.part), f"{row.share:.1%}", f"{row.milliseconds_a_step:.2f} ms a step"
    if (job / "programs.csv").is_file():
        programs = pd.read_csv(job / "programs.csv")
        count, read = programs["programs"].sum(), programs["read"].sum()
        yield f"{count} programs, {read} of them read from the cache", "", f"{programs['seconds'].sum():.1f} s"


def recipes(bench: Bench) -> Iterator[tuple[str, ...]]:
    """Time and score of `fast` and `finetune`."""
    small = ["data.image_size=48", "trainer.stop_after=1", "trainer.precision=float32"] if bench.small else []
    scratch = ["model.weights=null", "model.freeze_epochs=0", "model.name=MobileNet", "data.image_size=128"]
    finetune, own = bench.finetune or scratch, bench.finetune or ["from scratch"]
    limit = ["trainer.minutes=1", "trainer.max_steps=null"] if not bench.small else []
    sizes = ["trainer.image_sizes=[32,48]"] if bench.small else []
    trainings = {
        "`fast`": ["experiment=fast", *small, *sizes],
        f"`finetune` {' '.join(own)}": ["experiment=finetune", *finetune, *small, *limit],
    }
    for label, words in trainings.items():
        job = bench.train(f"recipe-{label[1:5]}", *words)
        history, metrics = pd.read_csv(job / "history.csv"), json.loads((job / "metrics.json").read_text())
        split = "test" if "test/macro_f1" in metrics else "best/val"
        score = f"{metrics[f'{split}/macro_f1']:.3f} on {split.removeprefix('best/')}"
        yield label, str(len(history)), f"{history['seconds'].sum():.0f}", score


def resumed(bench: Bench) -> Iterator[tuple[str, ...]]:
    """Whether a run that was killed ends as one that was not, under `deterministic=true`."""
    words = ("deterministic=true", "trainer.checkpoint_steps=2")
    whole = pd.read_csv(bench.cnn3("whole", "batch 32, float32", *words) / "history.csv")
    command = bench.words("killed", "model=cnn3", "trainer.epochs=4", f"data.image_size={bench.side}", *words)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list((bench.scratch / "killed").glob("mlruns/jobs/*/history.csv")):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    place = f"paths.root={bench.scratch / 'killed'}"
    subprocess.run([*HMEXP, "resume=latest", place], check=True, stdout=subprocess.DEVNULL)
    (job,) = (bench.scratch / "killed" / "mlruns" / "jobs").iterdir()
    again, drop = pd.read_csv(job / "history.csv"), ["seconds", "images_per_second"]
    differs = (whole.drop(columns=drop) - again.drop(columns=drop)).abs().to_numpy().max()
    yield (
        f"{len(again)} epochs, largest difference of a figure from a run that was not killed",
        f"{differs:g}",
    )


PARTS: dict[str, tuple[Callable[[Bench], Iterator[tuple[str, ...]]], tuple[str, ...]]] = {
    "rates": (rates, ("images/s of `cnn3`, later epochs", "", "images/s")),
    "first": (first_epochs, ("training", "process", "first epoch, s", "later epochs, s")),
    "profile": (profiled, ("`debug=profile` of `cnn3`", "share", "")),
    "recipes": (recipes, ("recipe", "epochs", "training, s", "macro-F1")),
    "resume": (resumed, ("kill -9, then `resume=latest`", "")),
}


def device() -> str:
    """The GPU's name; the processor's where there is none."""
    if BACKEND == "jax":
        import jax

        kind = jax.devices()[0].device_kind
        return platform.processor() or platform.machine() if kind == "cpu" else kind
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()


def main() -> None:
    """Print a table a part, as each is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--finetune", default="")
    arguments = parser.parse_args()
    began = time.monotonic()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # this process and its trainings share a GPU
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), arguments.root.absolute(), arguments.small, arguments.finetune.split())
        print(f"{device()}, {os.cpu_count()} cores, backend={BACKEND}")
        for name in arguments.only.split(","):
            part, head = PARTS[name]
            print(f"\n| {' | '.join(head)} |\n|{' --- |' * len(head)}", flush=True)
            for row in part(bench):
                print(f"| {' | '.join(row)} |", flush=True)
    print(f"\nin {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
