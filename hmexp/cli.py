"""The command line: finds the verb, quotes free text, lets Hydra compose, calls one function.

Imports nothing heavy: pandas, TensorFlow and MLflow come with the function of the verb.
"""

import os
import shlex
import shutil
import sys
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from hmexp.config.errors import UserError
from hmexp.config.invocation import MULTIRUN_FLAGS, SweepCommand
from hmexp.process import answer_signals, drop_stdout, interruption_as_such, tolerant_output
from hmexp.task import Task, import_plugins
from hmexp.verbs import VERBS, Verb

INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words behind `hmexp`; None takes those of the process.

    Returns:
        0 done, 1 the run failed, 2 the user's input was wrong, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _answer(words)
    except Exception as error:
        if words[:1] != ["doctor"]:
            raise
        from hmexp.doctor.packages import say_broken  # a package that hmexp is made of is broken

        return say_broken(error)


def _answer(words: list[str]) -> int:
    """Run the command of these words, and say in a line what the user did wrong."""
    from hmexp.config.secrets import masked

    tolerant_output()
    line = masked(shlex.join(["python", "-m", "hmexp", *(word for word in words if not word.startswith("hydra.run."))]))
    try:
        with answer_signals():
            return _dispatch(words, line)
    except UserError as error:
        return _fail(str(error), 2)
    except KeyboardInterrupt as stop:
        return _fail(f"interrupted; this goes on: {str(stop) or line}", INTERRUPTED, kind="")
    except BrokenPipeError:  # `hmexp --help | head -1`
        drop_stdout()
        return 0


def _dispatch(words: list[str], line: str) -> int:
    from hmexp import help as pages
    from hmexp.config import completion
    from hmexp.config.flags import check_flags, flags_first
    from hmexp.config.words import check_words, without_credentials
    from hmexp.console import set_up_console

    if "-sc" in words or "--shell-completion" in words:
        return completion.answer(flags_first(words), {name: verb.config for name, verb in VERBS.items()})
    verb, overrides = _split_verb(words)
    if {"-h", "--help"} & set(overrides):
        _read_plugins(overrides)
        asked = [word for word in overrides if "=" in word.lstrip("-") or word == pages.ALL]
        general = not asked and words[:1] != [verb.name]
        print(pages.main_page(VERBS.values()) if general else pages.verb_page(verb, asked), flush=True)
        return 0
    if "--version" in overrides:
        from hmexp import __version__

        print(f"hmexp {__version__}", flush=True)
        return 0
    sweeping = [name for name, item in VERBS.items() if item.sweeps]
    check_flags(overrides, verb.name, sweeping)
    overrides = flags_first(overrides)
    check_flags(overrides, verb.name, sweeping)  # again: they may have been abbreviated
    check_words(overrides)
    overrides = without_credentials(overrides)
    set_up_console()
    _read_plugins(overrides)
    return _compose_and_call(verb, overrides, line)


def _split_verb(words: list[str]) -> tuple[Verb, list[str]]:
    """The verb in first place, or `train`; a bare word anywhere else is an error."""
    from hmexp.config.errors import invalid

    if words[:1] and words[0] in VERBS:
        return VERBS[words[0]], words[1:]
    if words and "=" not in words[0] and words[0][:1] not in ("-", "~", "+"):
        near = get_close_matches(words[0], VERBS, n=1)
        if not near and words[0].isidentifier() is False:
            raise UserError(f"{words[0]}: expected a verb or KEY=VALUE, received neither")
        raise invalid("verb", f"one of {', '.join(VERBS)}", words[0], VERBS)
    return VERBS["train"], words


def _read_plugins(overrides: list[str]) -> None:
    """Import the modules that `plugins=[...]` names, before anything is composed."""
    from hmexp.config.quoting import plugin_modules

    modules = plugin_modules(overrides)
    for word in (word for word in overrides if modules and word in ("backend=jax", "backend=torch")):
        # A plugin may import Keras, which asks this variable then and never again.
        os.environ["KERAS_BACKEND"] = word.partition("=")[2]
    import_plugins(modules)


def _compose_and_call(verb: Verb, overrides: list[str], line: str) -> int:
    """Let Hydra compose the verb's config and call its function with the dataclasses."""
    import hydra

    from hmexp.config.flags import flags_first
    from hmexp.config.presets import shipped_dir
    from hmexp.config.quoting import quote
    from hmexp.config.schemas import register_schemas
    from hmexp.config.words import without_empty_folders

    register_schemas()
    words, recalled = _recall(verb, overrides)
    task = Task(verb, SweepCommand(line, tuple(words), tuple(quote(word) for word in recalled), verb.config))
    run = hydra.main(version_base="1.3", config_path=str(shipped_dir("conf")), config_name=verb.config)(task)
    try:
        with without_empty_folders(words), interruption_as_such():
            _with_full_errors(run, flags_first([quote(word) for word in [*recalled, *words]]))
    except BrokenPipeError:
        raise
    except SystemExit as stop:  # Hydra's own end: of a page that it has shown, or of --package with one that is none
        return _fail("--package: expected a part of the configuration, received another", 2) if stop.code else 0
    except Exception as error:
        return _report(error, line)
    if isinstance(task.failure, BrokenPipeError):  # `hmexp runs format=csv | head -1`
        raise task.failure
    return _report(task.failure, line) if task.failure else 0


def _recall(verb: Verb, words: list[str]) -> tuple[list[str], list[str]]:
    """The words of a command, and those that a stored run or sweep puts below them."""
    from hmexp.config.quoting import paths_of
    from hmexp.config.stored import run_words

    if not verb.recalls:
        return words, []
    if set(MULTIRUN_FLAGS) & set(words):
        if "resume" in run_words(words):
            from hmexp.sweeps.identity import recall_sweep

            words = recall_sweep(words)
            _read_plugins(words)
        words = _settled(words)
        own = [word for word in words if not word.startswith("resume=")]
    else:
        own = words
    if not run_words(own):
        return words, []
    from hmexp.runner.resume import recall

    whole = recall(own, paths_of(own))
    _read_plugins(whole)
    return words, whole[: len(whole) - len(own)]


def _settled(words: list[str]) -> list[str]:
    """The words of a sweep with the run that they name as a folder: `latest` would soon be one of its own jobs."""
    from hmexp.config.quoting import paths_of
    from hmexp.config.stored import run_words
    from hmexp.jobs.find import find_job

    named = {key: run for key, run in run_words(words).items() if key != "resume"}
    found = {key: find_job(paths_of(words), key, run).path for key, run in named.items()}
    return [f"{key}={found[key]}" if (key := word.partition("=")[0]) in found else word for word in words]


def _with_full_errors(run: Callable[[], Any], overrides: list[str]) -> None:
    """Call Hydra so that it raises instead of printing and exiting (it asks this variable)."""
    argv, before = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = ["hmexp", *overrides]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        run()
    finally:
        sys.argv = argv
        if before is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = before


def _report(error: Exception, line: str) -> int:
    """Say why the command `line` failed: one line for a known reason, a traceback for a bug. Gives the exit code."""
    from hmexp.config.errors import RunError
    from hmexp.config.explain import explain
    from hmexp.config.secrets import masked
    from hmexp.process import full_disk

    known = explain(error)
    if known is not None:
        return _fail(known, 2)
    if not isinstance(error, RunError):
        full = full_disk(error)
        if full is not None:
            return _fail(f"{full}; then this goes on: {line}", 1)
        print(masked("".join(traceback.format_exception(error))), file=sys.stderr, end="")
    return _fail(str(error) or type(error).__name__, 1)


def _fail(line: str, code: int, kind: str = "error: ") -> int:
    """Say one line on stderr, whatever is in it; a terminal has it broken at words. Gives the exit code."""
    from hmexp.config.secrets import masked
    from hmexp.process import printable

    text = f"hmexp: {kind}{printable(masked(line))}"
    if sys.stderr.isatty():
        from hmexp.console.lines import wrapped

        text = wrapped(text, shutil.get_terminal_size().columns)
    print(text, file=sys.stderr)
    return code
