"""The page of MLflow's UI that `ui` opens."""

import json
import socket
from types import SimpleNamespace

import pytest

from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.runner import browser
from hmexp.tracking.view import VARIED, page_of, varied


def run(tags=None, **params):
    return SimpleNamespace(data=SimpleNamespace(params=params, tags=tags or {}))


def test_columns_are_what_varies():
    runs = [
        run(seed="0", **{"model.depth": "3", "paths.root": "a", "data.limit": "null"}),
        run(seed="1", **{"model.depth": "4", "paths.root": "b", "data.limit": "null"}),
        run(seed="2", **{"paths.root": "c", "data.limit": "null"}),
        run({"hmexp.kind": "sweep"}, **{"data.limit": "7"}),
    ]
    assert varied(runs) == ["seed", "model.depth"], "places and runs that stand for others are left out"
    assert varied([]) == []
    assert len(varied([run(**{f"key{number}": str(value) for number in range(50)}) for value in (0, 1)])) == VARIED


@pytest.mark.slow
def test_the_view_is_kept_with_the_experiment(tmp_path):
    from hmexp.tracking.store import create_store

    cfg = MlflowTracking()
    client = create_store(cfg, PathsConfig(str(tmp_path)))
    page = page_of(client, cfg)
    experiment = client.get_experiment_by_name(cfg.experiment)
    assert page.startswith(f"#/experiments/{experiment.experiment_id}/runs?")
    assert "workflowType=machine_learning" in page
    assert "viewStateShareKey=hmexp" in page
    view = json.loads(client.get_experiment(experiment.experiment_id).tags["mlflow.sharedViewState.hmexp"])
    assert "metrics.`best/val/macro_f1`" in view["selectedColumns"]
    assert page_of(client, MlflowTracking(experiment="none")) == ""


def test_a_page_is_opened_once_its_server_answers(monkeypatch):
    opened = []
    monkeypatch.setattr(browser.webbrowser, "open", lambda address: opened.append(address) or True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/#/experiments/1"
        assert browser.open_when_served(address)
    assert opened == [address]
    monkeypatch.setattr(browser, "PATIENCE", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        assert not browser.open_when_served(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert opened == [address]
