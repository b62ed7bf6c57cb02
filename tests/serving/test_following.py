"""A promotion while requests run: none fails, and later ones are answered by the new champion."""

import threading

import httpx2
import pytest
from made_registry import make_store, promote, register
from served import config_of, listening, running, wait_until

pytestmark = pytest.mark.slow
CLIENTS = 4


@pytest.fixture(scope="module")
def root(classes, database, tmp_path_factory):
    root = tmp_path_factory.mktemp("followed")
    make_store(root, database)
    for seed in (1, 2):
        register(root, seed=seed, classes=classes, image_size=32)
    promote(root, "1")
    return root


def test_no_request_fails_and_the_new_one_answers(shop, root, picture, tmp_path):
    answers: list[tuple[int, str, str]] = []
    end = threading.Event()

    def ask(address: str) -> None:
        with httpx2.Client(timeout=60) as client:
            while not end.wait(0.4):
                for path in ("/classify", "/similar"):
                    response = client.post(address + path, files={"picture": ("a.jpg", picture, "image/jpeg")})
                    answers.append((response.status_code, path, response.json().get("model", response.text)))

    with running(config_of(shop, root, tmp_path)) as service, listening(service) as address:
        threads = [threading.Thread(target=ask, args=(address,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) > 20)
        before = len(answers)
        promote(root, "2")
        wait_until(lambda: ("/classify", "hmexp-sample version 2") in [answer[1:] for answer in answers])
        wait_until(lambda: ("/similar", "hmexp-sample version 2") in [answer[1:] for answer in answers], seconds=120)
        end.set()
        for thread in threads:
            thread.join()
        card = httpx2.get(f"{address}/champion").json()
        assert (card["version"], card["promotion"]["before"]) == ("2", "1")
        assert "hmexp_models_loaded_total 1.0" in httpx2.get(f"{address}/metrics").text
    assert {status for status, _, _ in answers} == {200}
    assert len(answers) > before
    of_classes = [model for _, path, model in answers if path == "/classify"]
    assert of_classes[0].endswith("version 1")
    assert of_classes[-1].endswith("version 2")


def test_a_version_that_cannot_be_loaded_changes_nothing(shop, root, picture, tmp_path, caplog):
    """The file of the new champion was changed: the one before goes on, and it is said once."""
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.registry import Registry
    from hmexp.tracking.store import open_store

    third = register(root, seed=3, image_size=32)
    registry = Registry(open_store(MlflowTracking(), PathsConfig(root=str(root))), "hmexp-sample")
    model = registry.bundle(third) / "model.keras"
    content = model.read_bytes()
    with running(config_of(shop, root, tmp_path, poll=0.05)) as service:
        before = service.model
        model.write_bytes(content[:-1] + b"x")
        promote(root, third)
        wait_until(lambda: "the file was changed" in caplog.text)
        assert service.model is before
        assert f"version {before.bundle.version} stays: " in caplog.text
        model.write_bytes(content)
        wait_until(lambda: service.model.bundle.version == third)
    assert caplog.text.count("stays: ") == 1
