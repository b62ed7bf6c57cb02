"""Trains a small network with its pictures streamed and on the device, in the backend of this process.

Usage: KERAS_BACKEND=jax python placed_trainings.py FOLDER CACHE; prints what each training gave, as JSON.
"""

import json
import sys
from pathlib import Path

STEPS, EPOCHS, INTERRUPTED = 7, 2, 4
WORDS = [
    *("data=sample", "data.limit=120", "data.image_size=16", "model=cnn", "model.widths=[4]"),
    *("augment.flip=0.5", "augment.mixup=0.2", f"trainer.epochs={EPOCHS}", "trainer.batch_size=14"),
]
"""92 training pictures: six whole batches, and one of eight."""


class Trainings:
    """Trainings of one configuration.

    Args:
        folder: Where their checkpoints go.
        cache: The cache of the tests.
        backend: Of this process.
    """

    def __init__(self, folder: Path, cache: Path, backend: str) -> None:
        from hmexp.config.compose import compose_words
        from hmexp.config.schemas import to_config
        from hmexp.config.verbs import RunConfig
        from hmexp.datamodule import DataModule
        from hmexp.runner.backend import start_backend

        self.folder, self.number = folder, 0
        words = [*WORDS, f"backend={backend}", f"paths.cache={cache}"]
        # On PyTorch Keras draws dropout from the process's random state, which nobody keeps.
        words.append(f"model.dropout={0.0 if backend == 'torch' else 0.2}")
        self.config = to_config(compose_words(words).tree, RunConfig)
        self.data = DataModule(self.config.data, self.config.paths, backend)
        self.data.setup_once()
        self.device = start_backend(self.config)

    def fit(self, placed: str, start: Path | None = None, interrupt: int | None = None, **trainer) -> dict:
        """Train; `interrupt` asks for the end after that many steps of the first epoch."""
        from dataclasses import replace

        import keras
        import numpy as np

        from hmexp.runner.assemble import Assembly
        from hmexp.training.checkpoint import CheckpointDir
        from hmexp.training.interruption import Interruption
        from hmexp.training.recorder import NoRecorder

        interruption, steps = Interruption(), []

        class Watcher(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                steps.append(batch)
                interruption.requested = interruption.requested or len(steps) == interrupt

        config = replace(self.config, trainer=replace(self.config.trainer, data_on_device=placed, **trainer))
        assembly = Assembly(config, self.data, self.device, callbacks=[Watcher()])
        assembly.precision()
        self.number += 1
        job_dir = self.folder / str(self.number)
        job_dir.mkdir(parents=True)
        learner = assembly.learner()
        found = {"placement": assembly.feeding.placement.words, "steps": steps}
        with self.device.scope():
            try:
                result = assembly.trainer(job_dir, NoRecorder(), interruption).fit(
                    learner, assembly.placed_loaders(), start
                )
            except KeyboardInterrupt:
                return found | {"checkpoint": str(CheckpointDir(job_dir / "checkpoints").newest())}
        history = result.history.drop(columns=["seconds", "images_per_second"])
        sums = [float(np.abs(keras.ops.convert_to_numpy(weight)).sum(dtype="float64")) for weight in learner.weights]
        return found | {"history": history.to_dict("list"), "weights": sums}

    def every_way(self) -> dict:
        """Streamed, and on the device: begun, interrupted, and gone on with."""
        cut = self.fit("true", interrupt=INTERRUPTED)
        resumed = self.fit("true", start=Path(cut["checkpoint"]), checkpoint_steps=3)
        return {"streamed": self.fit("false"), "cut": cut, "resumed": resumed}


def looped(trainings: Trainings) -> dict:
    """As `every_way`, with many steps a dispatch, which JAX does on accelerators."""
    from hmexp.training.device_data import jax

    jax.UNLOOPED = ()
    cut = trainings.fit("true", interrupt=INTERRUPTED)
    resumed = trainings.fit("true", start=Path(cut["checkpoint"]), checkpoint_steps=3)
    return {"whole": trainings.fit("true"), "cut": cut, "resumed": resumed}


if __name__ == "__main__":
    import os

    trainings = Trainings(Path(sys.argv[1]), Path(sys.argv[2]), os.environ["KERAS_BACKEND"])
    found = trainings.every_way()
    if os.environ["KERAS_BACKEND"] == "jax":
        found["looped"] = looped(trainings)
    print("FOUND", json.dumps(found))
