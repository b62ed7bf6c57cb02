"""The debug modes that look at a training instead of finishing one: `debug=lr_find`, `debug=profile`."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from hmexp.console import Bar, log, progress
from hmexp.evaluation.tables import frame_table
from hmexp.reports.figures import learning_rate_curve
from hmexp.reports.style import save
from hmexp.runner.assemble import Assembly
from hmexp.training.callbacks import FiniteLoss
from hmexp.training.lr_finder import find_learning_rate
from hmexp.training.profiler import WARM_UP, profile

LONGEST = 12
"""Programs that `debug=profile` prints."""


def lr_find(assembly: Assembly, job_dir: Path) -> dict[str, float]:
    """Run the range test; write `lr_find.csv` and its figure.

    Returns:
        `lr_find/steepest` and `lr_find/suggestion`.
    """
    learner = assembly.compiled_learner()
    steps = assembly.config.trainer.probe_steps
    with progress("trying learning rates", steps, unit="steps") as bar:
        found = find_learning_rate(learner, _counted(_batches(assembly), bar), steps)
    found.steps.to_csv(job_dir / "lr_find.csv", index=False)
    path = job_dir / "figures" / "lr_find.png"
    save(learning_rate_curve(found.steps, found.steepest, found.suggestion), path)
    log.info(f"the loss falls fastest at {found.steepest:.2g}; try optimizer.learning_rate={found.suggestion:.2g}")
    log.info(f"the curve: {path}")
    return {"lr_find/steepest": found.steepest, "lr_find/suggestion": found.suggestion}


def profile_steps(assembly: Assembly, job_dir: Path) -> dict[str, float]:
    """Time the parts of a step; write `profile.csv`, a trace and, with JAX, what was compiled up to there.

    Returns:
        `profile/<part>_share`, `profile/images_per_second`, `profile/programs` and `profile/compile_seconds`.
    """
    cfg = assembly.config.trainer
    learner = assembly.compiled_learner()
    loaders = assembly.loaders()
    watcher = FiniteLoss()
    watcher.set_model(learner)
    watcher.on_epoch_begin(0)
    trace = job_dir / "trace"
    with progress("timing steps", WARM_UP + cfg.probe_steps, unit="steps") as bar:

        def told(step: int) -> None:
            watcher.on_train_batch_end(step, {"loss": learner.metrics[0].result()})
            bar.advance()

        table = profile(learner, _batches(assembly), cfg.probe_steps, told, assembly.device.backend.trace(trace))
    table.to_csv(job_dir / "profile.csv", index=False)
    rate = cfg.probe_steps * cfg.batch_size / table["seconds"].sum()
    log.info(frame_table(table, f"Where the time of {cfg.probe_steps} steps goes, {rate:,.0f} images/s"))
    learner.test_on_batch(*next(iter(loaders.val)))
    compiled = _programs(assembly, job_dir)
    log.info(f"the trace: {trace} (tensorboard --logdir {trace}, or Perfetto)")
    shares = {
        f"profile/{part.replace(' ', '_')}_share": float(share) for part, share in table[["part", "share"]].to_numpy()
    }
    return shares | {"profile/images_per_second": float(rate)} | compiled


def _programs(assembly: Assembly, job_dir: Path) -> dict[str, float]:
    """Say what was compiled for the first steps of train and val, or read from the cache; write `programs.csv`."""
    programs = assembly.device.backend.programs()
    if not programs:
        return {}
    table = pd.DataFrame([vars(program) for program in programs])
    by_name = table.groupby("name").agg(programs=("seconds", "size"), read=("read", "sum"), seconds=("seconds", "sum"))
    by_name = by_name.sort_values("seconds", ascending=False).reset_index()
    by_name.to_csv(job_dir / "programs.csv", index=False)
    seconds, read = float(table["seconds"].sum()), int(table["read"].sum())
    title = f"{len(table)} programs in {seconds:.1f} s, {read} of them read from the cache; the longest"
    log.info(frame_table(by_name.head(LONGEST), title))
    return {"profile/programs": float(len(table)), "profile/compile_seconds": seconds}


def overfit_verdict(history: pd.DataFrame) -> str:
    """Whether the model could learn a few articles by heart."""
    best = float(history["train/accuracy"].max())
    if best >= 0.99:
        return f"overfit: accuracy on train reached {best:.3f}: model, loss and data can learn"
    return (
        f"overfit: accuracy on train reached only {best:.3f} in {len(history)} epochs: look at the learning rate, "
        "the labels and the pictures (figures/sample_pictures.png)"
    )


def _counted(batches: Iterator[Any], bar: Bar) -> Iterator[Any]:
    """The same batches, each counted when the next one is asked for."""
    for batch in batches:
        yield batch
        bar.advance()


def _batches(assembly: Assembly) -> Iterator[Any]:
    """Training batches without end."""
    loaders = assembly.loaders()
    epochs = itertools.count(1)
    return itertools.chain.from_iterable(iter(loaders.train(epoch, 0, epoch + 99)) for epoch in epochs)
