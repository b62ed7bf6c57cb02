"""The JSON API: what each address answers, and how it refuses."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from hostile_pictures import BAD, GOOD, mutated
from PIL import Image
from starlette.testclient import TestClient

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning:PIL")]


@pytest.fixture(scope="module")
def api(service):
    from hmexp.serving.app import create_app

    with TestClient(create_app(service), base_url="http://127.0.0.1:8000") as client:
        yield client


def post(api, path: str, content: bytes, **query):
    return api.post(path, params=query, files={"picture": ("a.jpg", content, "image/jpeg")})


def test_a_picture_is_classified_as_the_classifier_does(api, service, picture):
    found = post(api, "/classify", picture).json()
    classifier = service.model.classifier
    expected = classifier.predict([picture]).probabilities[0]
    assert found["model"] == "hmexp-sample version 1"
    assert {each["name"] for each in found["classes"]} == set(classifier.class_names)
    got = [each["probability"] for each in found["classes"]]
    assert got == sorted(got, reverse=True)
    np.testing.assert_allclose(got, np.sort(expected)[::-1], atol=1e-5)
    assert found["classes"][0]["name"] == classifier.class_names[int(expected.argmax())]


@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_heat_maps_have_the_shape_of_the_picture(resize):
    from hmexp.models.bundle import Card
    from hmexp.serving.heat import overlay

    heat = np.zeros((32, 32), np.float32)
    heat[14:18, 14:18] = 1
    with Image.open(io.BytesIO(overlay(heat, Card(["a"], 32, resize, 1.0, {}, "", {}), 900, 1200))) as image:
        assert image.size == (360, 480)
        alpha = np.asarray(image)[..., 3]
    assert np.unravel_index(alpha.argmax(), alpha.shape)[0] == pytest.approx(240, abs=30)
    assert alpha[0, 0] == 0
    rows = np.flatnonzero(alpha.max(axis=1) > 100)
    columns = np.flatnonzero(alpha.max(axis=0) > 100)
    stretched = (rows.max() - rows.min()) / (columns.max() - columns.min())
    assert stretched == pytest.approx(4 / 3 if resize == "stretch" else 1, abs=0.15)


def test_a_heat_map_of_an_upload(api, service, picture):
    heat = post(api, "/heatmap", picture, label=service.model.classifier.class_names[0])
    assert heat.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(heat.content)) as image:
        assert image.mode == "RGBA"
    assert post(api, "/heatmap", picture, label="no such class").status_code == 404
    assert post(api, "/heatmap", picture).status_code == 422


@pytest.mark.parametrize("name", GOOD)
def test_every_route_takes_good_pictures(api, name):
    for path in ("/classify", "/similar"):
        assert post(api, path, GOOD[name]).status_code == 200, path


@pytest.mark.parametrize("name", BAD)
def test_every_route_refuses_bad_ones(api, service, name):
    content, wanted = BAD[name]
    for path, query in (
        ("/classify", {}),
        ("/similar", {}),
        ("/heatmap", {"label": service.model.classifier.class_names[0]}),
    ):
        refused = post(api, path, content, **query)
        assert refused.status_code in (wanted if isinstance(wanted, tuple) else (wanted,)), path
        assert list(refused.json()) == ["detail"]
        assert "Traceback" not in refused.text


def test_fuzzed_uploads_are_answered_or_refused(api):
    statuses = {post(api, "/classify", content).status_code for content in mutated(150, seed=2)}
    assert statuses <= {200, 413, 415, 422}
    assert 200 in statuses


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\nno form",
        b'--x\r\nContent-Disposition: form-data; name="picture"\r\n\r\ntext, no file\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="other"; filename="a.jpg"\r\n\r\nabc\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="picture"; filename="../../etc/passwd"\r\n\r\nabc\r\n--x--\r\n',
        b"--x\r\n" * 3000,
    ],
)
def test_forms_that_are_none_are_refused(api, body):
    refused = api.post("/classify", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert 400 <= refused.status_code < 500
    assert list(refused.json()) == ["detail"]


def test_similar_to_an_article_by_all_conditions(api, service, picture):
    catalogue = service.catalogue
    key = catalogue.ids[0]
    found = api.get("/similar", params={"id": key, "k": 5}).json()
    assert len(found["articles"]) == 5
    assert key not in [each["id"] for each in found["articles"]]
    scores = [each["score"] for each in found["articles"]]
    assert scores == sorted(scores, reverse=True)
    same = api.get("/similar", params={"id": key, "k": 5, "same_class": True}).json()["articles"]
    assert {each["label"] for each in same} == {catalogue.labels[0]}
    others = api.get("/similar", params={"id": key, "k": 100, "exclude_variants": True}).json()["articles"]
    assert not any(each["article_id"][:7] == catalogue.article_ids[0][:7] for each in others)
    uploaded = post(api, "/similar", picture, k=1).json()["articles"][0]
    assert uploaded["score"] == pytest.approx(1, abs=1e-3)
    assert post(api, "/similar", picture, k=3, same_class=True).status_code == 200


def test_an_article_whose_picture_cannot_be_read(api, service):
    images = service.catalogue.articles.rows["image"]
    bad = next(key for key, image in zip(service.catalogue.ids, images, strict=True) if _size(service, image) == 700)
    assert api.get(f"/articles/{bad}").status_code == 200
    assert api.get(f"/articles/{bad}/thumbnail").status_code == 404
    assert "cannot be read" in api.get("/similar", params={"id": bad}).json()["detail"]


def _size(service, image: str) -> int:
    return (service.catalogue.articles.source.root / image).stat().st_size


def test_articles_by_class_and_words(api, service, classes):
    summary = api.get("/catalogue").json()
    assert [each["name"] for each in summary["classes"]] == classes
    assert summary["articles"] == sum(each["articles"] for each in summary["classes"])
    first = api.get("/articles", params={"label": classes[0], "limit": 3}).json()
    assert {each["label"] for each in first["articles"]} == {classes[0]}
    everything = [api.get("/articles", params={"offset": start, "limit": 50}).json() for start in (0, 50, 100)]
    ids = [each["id"] for page in everything for each in page["articles"]]
    assert ids == service.catalogue.ids
    article = api.get(f"/articles/{ids[0]}").json()
    assert article["details"]["colour_group_name"]
    assert api.get("/articles", params={"q": article["name"]}).json()["total"] >= 1
    for kind, most in (("thumbnail", 256), ("picture", 720)):
        response = api.get(f"/articles/{ids[0]}/{kind}")
        assert response.headers["cache-control"] == "private, max-age=3600"
        with Image.open(io.BytesIO(response.content)) as image:
            assert image.format == "JPEG"
            assert max(image.size) == most


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/articles/0000000000", 404),
        ("/articles/..%2f..%2fetc%2fpasswd", 404),
        ("/articles/%2e%2e", 422),
        ("/articles/a b", 422),
        ("/articles/" + "1" * 65, 422),
        ("/articles/0108775015/picture/x", 404),
        ("/articles?label=nothing", 404),
        ("/articles?limit=101", 422),
        ("/articles?offset=-1", 422),
        ("/similar", 422),
        ("/similar?id=../x", 422),
        ("/similar?id=0000000000", 404),
        ("/similar?id=0000000000&k=0", 422),
        ("/recommend/a%00b", 422),
        ("/recommend/http:%2f%2fevil.example", 404),
        ("/static/..%2fapp.py", 404),
        ("/static/%2e%2e/app.py", 404),
        ("/?file=/etc/passwd", 200),
        ("/nothing", 404),
        ("/docs/", 404),
    ],
)
def test_addresses_that_lead_nowhere(api, path, status):
    response = api.get(path)
    assert response.status_code == status, response.text
    if status != 200:
        assert list(response.json()) == ["detail"]
    assert "root:" not in response.text


def test_other_methods_are_refused(api):
    for method, path in (("GET", "/classify"), ("DELETE", "/articles"), ("PUT", "/champion"), ("TRACE", "/")):
        response = api.request(method, path)
        assert response.status_code == 405, path
        assert response.headers["x-content-type-options"] == "nosniff"


def test_recommendations_of_a_table_that_is_written_later(api, service):
    missing = api.get("/recommend/customer-1")
    assert missing.status_code == 404
    assert "hmexp recommend" in missing.json()["detail"]
    import pyarrow as pa
    import pyarrow.parquet as pq

    from hmexp.recommend.recommendations import SCHEMA

    table = service.recommended.path
    table.parent.mkdir(parents=True)
    ids = [*service.catalogue.article_ids[:2], "0999999999"]
    row = {
        "customer_id": "customer-1",
        "articles": ids,
        "scores": [3.0, 2.0, 1.0],
        "sources": ["own+popular", "own", "own"],
    }
    pq.write_table(pa.Table.from_pylist([row], schema=SCHEMA), table)
    found = api.get("/recommend/customer-1").json()
    assert [each["article_id"] for each in found["articles"]] == ids[:2], "those of another catalogue are left out"
    assert found["articles"][0]["reason"].startswith("bought before, popular")
    assert api.get("/recommend/customer-2").status_code == 404
    table.write_bytes(b"no table")
    assert api.get("/recommend/customer-1").status_code == 503
    table.unlink()


def test_the_card_and_the_figures(api, service):
    card = api.get("/champion").json()
    assert (card["version"], card["engine"], card["image_size"]) == ("1", "keras", 32)
    assert card["metrics"]["test/accuracy"] == 0.79
    assert card["promotion"]["reason"] == "it is new"
    assert card["promotion"]["decision"] == "promoted"
    assert api.get("/health").json() == {"status": "ok", "model": "hmexp-sample version 1", "similar": "ready"}
    assert api.get("/health/live").status_code == 204
    assert api.get("/health/ready").status_code == 204
    api.get(f"/articles/{service.catalogue.ids[0]}")
    text = api.get("/metrics").text
    assert re.search(r'hmexp_requests_total\{method="GET",route="/articles/\{address_id\}",status="200"\} \d', text)
    assert 'hmexp_model{name="hmexp-sample version 1"' in text
    assert "passwd" not in text, "what clients make up is no label"


def test_a_full_queue_is_503_with_retry_after(api, service, picture):
    most, service.workers.max_pending = service.workers.max_pending, 0
    try:
        for response in (post(api, "/classify", picture), api.get("/health/ready")):
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
        assert api.get("/health").json()["status"] == "busy"
    finally:
        service.workers.max_pending = most


def test_a_bug_tells_the_client_nothing(service):
    from hmexp.serving.app import create_app
    from hmexp.serving.security import HEADERS

    app = create_app(service)

    @app.get("/bug")
    def bug() -> None:
        raise RuntimeError("the secret of /home/somebody")

    response = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False).get("/bug")
    assert response.status_code == 500
    assert response.json() == {"detail": "Something went wrong; the server's log has more."}
    assert {name: response.headers[name] for name in HEADERS} == HEADERS


def test_nothing_comes_from_another_site(api):
    import hmexp.serving

    for path in (Path(hmexp.serving.__file__).parent / "static").iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text), path.name
        assert not re.search(r"<script>|<style|\son[a-z]+=\"|style=\"|innerHTML|eval\(", text), path.name
    assert api.head("/").status_code == 200
    script = api.get("/static/app.js")
    assert script.headers["cache-control"] == "no-cache"
    assert api.get("/static/app.js", headers={"If-None-Match": script.headers["etag"]}).status_code == 304
    assert api.get("/catalogue").headers["cache-control"] == "no-store"
    for path in ("/", "/docs", "/static/app.js", "/favicon.ico", "/openapi.json"):
        assert api.get(path).status_code == 200, path
