"""The ledger: written before anything moves, done by the next command, one decision at a time."""

import multiprocessing
import shutil
import subprocess
import sys

import pytest
from cut_off import cut_off_before

from hmexp.config.errors import UserError
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.tracking.ledger import PROMOTED, REFUSED, ROLLED_BACK, Entry, Ledger, promotion_lock, rolled_back, stacked
from hmexp.tracking.registry import Registry
from hmexp.tracking.store import create_store, open_store

CFG = MlflowTracking()


def entry(decision, version, before=""):
    return Entry(decision, version, before, "f" * 32, "because")


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A store with three versions of a model."""
    root = tmp_path_factory.mktemp("registry")
    client = create_store(CFG, PathsConfig(root=str(root)))
    client.create_registered_model("shop's")
    for _ in range(3):
        client.create_model_version("shop's", (root / "model").as_uri())
    return root


@pytest.fixture
def ledger(registered, tmp_path):
    shutil.copytree(registered / "mlruns", tmp_path / "mlruns")
    paths = PathsConfig(root=str(tmp_path))
    return Ledger(CFG, paths, Registry(open_store(CFG, paths), "shop's"))


def decided(ledger):
    return [(item.decision, item.before, item.version) for item in ledger.entries()]


@pytest.mark.parametrize(
    ("decisions", "champions"),
    [
        ([], []),
        ([(PROMOTED, "1", "")], ["1"]),
        ([(PROMOTED, "1", ""), (REFUSED, "", "1"), (PROMOTED, "2", "1")], ["1", "2"]),
        ([(PROMOTED, "1", ""), (PROMOTED, "2", "1"), (ROLLED_BACK, "1", "2")], ["1"]),
        ([(PROMOTED, "1", ""), (PROMOTED, "2", "1"), (PROMOTED, "1", "2")], ["1", "2", "1"]),
        ([(PROMOTED, "1", ""), (PROMOTED, "2", "1"), (PROMOTED, "1", "2"), (ROLLED_BACK, "2", "1")], ["1", "2"]),
        ([(PROMOTED, "5", "4")], ["4", "5"]),  # the one before was promoted by something else
        ([(PROMOTED, "1", ""), (PROMOTED, "2", "1"), (ROLLED_BACK, "1", "2"), (ROLLED_BACK, "2", "1")], ["1", "2"]),
    ],
)
def test_who_was_champion(decisions, champions):
    assert stacked([entry(*decision) for decision in decisions]) == champions


def test_a_rollback_goes_down_to_where_the_version_was_last():
    assert rolled_back(["1", "2", "1", "3", "4"], "1") == ["1", "2", "1"]


def test_decisions_are_read_as_they_were_written(ledger):
    first = Entry(PROMOTED, "1", "", "a" * 32, "the first", metrics={"gain/macro_f1": 0.25}, details={"guards": []})
    ledger.decide(first)
    ledger.decide(Entry(REFUSED, "", "1", "b" * 32, "worse: a 'quote' and a\nline"))
    ledger.decide(Entry(PROMOTED, "2", "1", "c" * 32, "forced", forced=True))
    assert ledger.registry.aliases() == {"champion": "2", "previous": "1"}
    assert decided(ledger) == [(PROMOTED, "", "1"), (REFUSED, "1", ""), (PROMOTED, "1", "2")]
    read = ledger.entries()
    assert [item.forced for item in read] == [False, False, True]
    assert read[0].metrics == {"gain/macro_f1": 0.25}
    assert read[1].reason == "worse: a 'quote' and a\nline"
    assert read[0].when is not None
    assert "@" in read[0].who


def test_one_rollback_after_another(ledger):
    for version, before in (("1", ""), ("2", "1"), ("3", "2")):
        ledger.decide(entry(PROMOTED, version, before))
    ledger.decide(entry(ROLLED_BACK, "2", "3"))
    assert ledger.registry.aliases() == {"champion": "2", "previous": "1"}
    ledger.decide(entry(ROLLED_BACK, "1", "2"))
    assert ledger.registry.aliases() == {"champion": "1"}
    assert ledger.champions() == ["1"]


def test_a_champion_that_something_else_has_moved_is_not_overwritten(ledger):
    ledger.decide(entry(PROMOTED, "1"))
    ledger.client.set_registered_model_alias("shop's", "champion", "3")
    with pytest.raises(UserError, match="expected version 1 as champion, received another"):
        ledger.decide(entry(PROMOTED, "2", "1"))
    assert ledger.registry.aliases()["champion"] == "3"
    assert decided(ledger) == [(PROMOTED, "", "1")]
    assert ledger.champions()[-1] == "3"


CALLS = ("create_run", "log_batch", "set_registered_model_alias", "delete_registered_model_alias", "set_terminated")


@pytest.mark.parametrize("decision", [(PROMOTED, "3", "2"), (ROLLED_BACK, "1", "2")])
@pytest.mark.parametrize("calls", range(6))
def test_a_decision_that_is_cut_off_is_done_by_the_next_command(ledger, monkeypatch, decision, calls):
    """Whatever call to MLflow it is cut before, the aliases are those of before or of after, as the ledger says."""
    from mlflow import MlflowClient

    for version, before in (("1", ""), ("2", "1")):
        ledger.decide(entry(PROMOTED, version, before))
    wanted = {"champion": "3", "previous": "2"} if decision[0] == PROMOTED else {"champion": "1"}
    with monkeypatch.context() as patch:
        done = cut_off_before(patch, calls, [(MlflowClient, name) for name in CALLS])
        try:
            ledger.decide(entry(*decision))
        except KeyboardInterrupt:
            assert len(done) == calls
    written = "create_run" in done
    ledger.settle_if_free()
    assert ledger.registry.aliases() == (wanted if written else {"champion": "2", "previous": "1"})
    assert (decided(ledger)[-1] == (decision[0], decision[2], decision[1])) is written
    assert len(decided(ledger)) == (3 if written else 2)
    ledger.settle_if_free()
    assert len(decided(ledger)) == (3 if written else 2)


def test_a_cut_off_promotion_of_a_version_that_is_gone_is_undone(ledger, monkeypatch):
    from mlflow import MlflowClient

    ledger.decide(entry(PROMOTED, "1"))
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", _cut)
        with pytest.raises(KeyboardInterrupt):
            ledger.decide(entry(PROMOTED, "2", "1"))
    ledger.client.delete_model_version("shop's", "2")
    ledger.settle_if_free()
    assert ledger.registry.aliases() == {"champion": "1"}
    assert decided(ledger) == [(PROMOTED, "", "1")]


def _cut(*arguments, **keywords):
    raise KeyboardInterrupt


def _promote(root, version, barrier, answers):
    paths = PathsConfig(root=root)
    ledger = Ledger(CFG, paths, Registry(open_store(CFG, paths), "shop's"))
    barrier.wait()
    try:
        with promotion_lock(CFG, paths):
            ledger.settle()
            ledger.decide(entry(PROMOTED, version, ledger.registry.aliases().get("champion", "")))
            answers.put("won")
    except UserError as error:
        answers.put(str(error))


@pytest.mark.slow
def test_of_two_at_once_one_wins_and_the_other_says_so(ledger):
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    workers = [
        context.Process(target=_promote, args=(ledger.paths.root, version, barrier, answers)) for version in ("1", "2")
    ]
    for worker in workers:
        worker.start()
    said = sorted(answers.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join()
    assert said[-1] == "won"
    assert said[0] in ("won", "promote: expected no other promotion at work, received one: try again after it")
    assert len(ledger.entries()) == said.count("won"), "both may have come one after the other"


@pytest.mark.slow
def test_while_a_promotion_is_at_work_nothing_is_settled(ledger):
    holder = (
        "import sys, time; from hmexp.config.record import *; from hmexp.tracking.ledger import promotion_lock\n"
        f"with promotion_lock(MlflowTracking(), PathsConfig(root={ledger.paths.root!r})):\n"
        "    print(1, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(UserError, match="no other promotion at work"), promotion_lock(CFG, ledger.paths):
            pass
        ledger.settle_if_free()
    finally:
        process.kill()
        process.wait()
    with promotion_lock(CFG, ledger.paths):
        ledger.settle()


def test_an_open_entry_of_a_living_process_elsewhere_stops_a_promotion_on_a_server(ledger):
    """A server has no lock: the entry itself says that somebody is at work, for ten minutes."""
    import time

    ledger.decide(entry(PROMOTED, "1"))
    experiment = ledger.client.get_experiment_by_name("hmexp-ledger").experiment_id
    tags = {"hmexp.model": "shop's", "hmexp.host": "elsewhere", "hmexp.aliases": '{"champion": "2"}'}
    on_server = Ledger(MlflowTracking(uri=ledger.client.tracking_uri), ledger.paths, ledger.registry)
    young = ledger.client.create_run(experiment, tags=tags)
    with pytest.raises(UserError, match="received one on elsewhere"):
        on_server.settle()
    ledger.client.delete_run(young.info.run_id)
    ledger.client.create_run(experiment, int(1000 * (time.time() - 601)), tags=tags)
    on_server.settle()
    assert ledger.registry.aliases()["champion"] == "2"
