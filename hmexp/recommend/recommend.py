"""The verb `recommend`: twelve articles for each customer, and what they are worth."""

import importlib.util
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hmexp.config.errors import UserError
from hmexp.config.invocation import Invocation
from hmexp.config.recommend import RecommendConfig
from hmexp.console import log
from hmexp.inference.parts import Parts
from hmexp.recommend.recommendations import TABLE_FILE

if TYPE_CHECKING:
    from hmexp.recommend.evaluation import RankingEvaluation
    from hmexp.recommend.inputs import Inputs

LIBRARIES = ("polars", "lightgbm")
VERSION = 1
"""Of the stages: another one starts anew."""


@dataclass(frozen=True)
class RecommendResult:
    """What recommending gives to whoever called it.

    Attributes:
        out: Folder that was written.
        table: The recommendations; None where none were asked for.
        submission: The same in the competition's format; None likewise.
        evaluation: What validation found; None where it was not asked for.
    """

    out: Path
    table: Path | None = None
    submission: Path | None = None
    evaluation: "RankingEvaluation | None" = None


def recommend(config: RecommendConfig, invocation: Invocation) -> RecommendResult:
    """Validate and recommend, or print one customer's twelve; goes on where it was killed.

    Raises:
        UserError: A library, a file or a customer that is not there, or a file that is none.
        RunError: Nothing to learn from, a leak, or a submission against the rules.
    """
    require_libraries(LIBRARIES)
    if config.customer is not None:
        from hmexp.recommend.customer import say_customer

        return RecommendResult(config.out_path, table=say_customer(config, config.customer))
    from hmexp.recommend.inputs import find_inputs

    return _recommend(config, invocation, find_inputs(config))


def require_libraries(names: Sequence[str]) -> None:
    """Raise `UserError` where a library of the extra `recommend` is not installed."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise UserError(f"recommend: expected an installed {name}, received none (pip install 'hmexp[recommend]')")


def _recommend(config: RecommendConfig, invocation: Invocation, inputs: "Inputs") -> RecommendResult:
    from hmexp.recommend.examples import PART
    from hmexp.recommend.pipeline import Pipeline
    from hmexp.recommend.report import say_evaluation, title_of, write_evaluation, write_page
    from hmexp.recommend.stages import Stages
    from hmexp.recommend.submission import SUBMISSION_FILE, write_submission

    out = config.out_path
    log.info(f"{inputs.name}: {len(inputs.articles.table):,} articles, {len(inputs.customers):,} customers")
    log.info(f"what looks alike: {inputs.looks.name or 'nothing says so (run=RUN, neighbours=FILE)'}")
    parts = Parts(out / TABLE_FILE, -(-len(inputs.customers) // PART))
    evaluation = None
    with _nothing_left_of_wrong_input(parts), parts.planned(_plan(config, inputs)):
        pipeline = Pipeline(config, inputs, Stages(parts.folder))
        pipeline.stages.say_what_is_there()
        plan = pipeline.plan
        if config.validate:
            evaluation, ranker = pipeline.validation()
            say_evaluation(evaluation, title_of(inputs, plan.validation))
            write_evaluation(evaluation, ranker, inputs, plan.validation, out)
            write_page(evaluation, ranker, inputs, config, (plan.validation, invocation.command))
        if config.submit:
            pipeline.recommend(parts)
            parts.merge()
            write_submission(out / TABLE_FILE, inputs.customers, out / SUBMISSION_FILE)
    if not config.submit:
        return RecommendResult(out, evaluation=evaluation)
    log.info(f"table  {shlex.quote(str(out / TABLE_FILE))}")
    log.info(f"       {shlex.quote(str(out / SUBMISSION_FILE))}, for {plan.final}")
    return RecommendResult(out, out / TABLE_FILE, out / SUBMISSION_FILE, evaluation)


@contextmanager
def _nothing_left_of_wrong_input(parts: Parts) -> Iterator[None]:
    """Take away the folder of the stages where the input is found to be wrong while it is read."""
    was_there = parts.folder.exists()
    try:
        yield
    except UserError:
        if not was_there:
            shutil.rmtree(parts.folder, ignore_errors=True)
            with suppress(OSError):  # it holds more
                parts.out.parent.rmdir()
        raise


def _plan(config: RecommendConfig, inputs: "Inputs") -> dict[str, object]:
    """What the stages depend on."""
    sections = {name: asdict(getattr(config, name)) for name in ("windows", "candidates", "ranker")}
    return {"version": VERSION, "data": inputs.digest, "seed": config.seed, **sections}
