"""The champion as MLflow's python function: from Python, behind `mlflow models serve`, in Spark."""

import base64
import io
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_registry import CLASSES, make_store, promote, register
from PIL import Image

import hmexp

pytestmark = pytest.mark.slow
URI = "models:/hmexp-sample@champion"


@pytest.fixture(scope="module")
def root(database, tmp_path_factory) -> Path:
    """A folder with a champion, whose probabilities are calibrated, in the store that MLflow looks at."""
    root = tmp_path_factory.mktemp("served")
    make_store(root, database)
    promote(root, register(root))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlruns/mlflow.db")
        yield root


@pytest.fixture(scope="module")
def function(root):
    """The champion as `mlflow.pyfunc` loads it."""
    import mlflow

    return mlflow.pyfunc.load_model(URI)


@pytest.fixture(scope="module")
def files(root) -> list[Path]:
    """Pictures of unequal sizes, formats and modes, without loss where a test gives their pixels."""
    random = np.random.default_rng(0)
    paths = []
    for name, height, width in (("a.png", 30, 20), ("b.jpg", 50, 90), ("c.webp", 7, 300)):
        paths.append(root / name)
        Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8)).save(paths[-1])
    paths.append(root / "grey.tiff")
    Image.fromarray(random.integers(0, 256, (40, 40), np.uint8)).save(paths[-1])
    return paths


def as_text(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_every_kind_of_input_gives_what_hmexp_load_gives(root, function, files):
    classifier = hmexp.load("champion", root=root)
    expected = classifier.predict(files)
    contents, texts = [file.read_bytes() for file in files], [as_text(file) for file in files]
    np.testing.assert_array_equal(classifier.predict(contents).probabilities, expected.probabilities)
    for pictures in (
        files,
        tuple(contents),
        [bytearray(content) for content in contents],
        texts,
        np.array(texts),
        pd.Series(contents, index=list("wxyz")),
        pd.Series(texts, name="any"),
        pd.DataFrame({"id": range(4), "picture": texts}, index=list("wxyz")),
        pd.DataFrame({"0": contents}),  # as Spark names a column
        {"picture": np.array(texts)},
        ["\n".join(text[start : start + 76] for start in range(0, len(text), 76)) for text in texts],
    ):
        found = function.predict(pictures)
        assert list(found) == ["predicted", "confidence", "probabilities", "error"]
        assert found["predicted"].tolist() == expected.classes
        assert found["error"].isna().all()
        probabilities = np.stack(found["probabilities"])
        np.testing.assert_allclose(probabilities, expected.probabilities, rtol=1e-5)
        np.testing.assert_array_equal(found["confidence"], probabilities.max(axis=1))
        if isinstance(pictures, pd.Series | pd.DataFrame):
            assert found.index.equals(pictures.index)


def test_arrays_of_any_size(root, function):
    classifier = hmexp.load("champion", root=root)
    arrays = np.random.default_rng(1).integers(0, 256, (130, 24, 17, 3), np.uint8)
    unequal = [arrays[0], arrays[1, :9], arrays[2, :, :, 0]]
    for pictures in (arrays, unequal):
        found, expected = function.predict(pictures), classifier.predict(pictures)
        assert found["predicted"].tolist() == expected.classes
        np.testing.assert_allclose(np.stack(found["probabilities"]), expected.probabilities, rtol=1e-5)
    assert function.predict(arrays[:3].astype(int))["error"].isna().all(), "whole numbers of JSON"
    assert function.predict(arrays[:3] / 255.0)["error"].notna().all()
    assert function.predict([]).shape == (0, 4)


def test_a_picture_that_cannot_be_read_is_a_row_of_nulls(root, function, files):
    from mlflow.utils.proto_json_utils import NumpyEncoder

    whole = files[0].read_bytes()
    bad = [
        b"",
        b"\xff\xd8\xff no picture",
        whole[:200],
        None,
        float("nan"),
        3,
        "%",
        [1, 2],
        np.zeros((0, 0, 3), np.uint8),
    ]
    bad += [files[0].with_name("missing.png"), Path("\0"), Path("~nobody.of.this.name/a.png"), files[0].parent]
    found = function.predict([whole, *bad, whole])
    assert found["error"].isna().tolist() == [True, *[False] * len(bad), True]
    assert found.loc[1 : len(bad), ["predicted", "confidence", "probabilities"]].isna().all(axis=None)
    assert found.loc[[0, len(bad) + 1], "predicted"].isin(CLASSES).all()
    assert found.loc[4, "error"] == "no picture"
    # What MLflow makes of it for a client, and for a struct of Spark's.
    answer = json.dumps(found.to_dict(orient="records"), cls=NumpyEncoder, allow_nan=False)
    assert json.loads(answer)[1]["predicted"] is None
    assert found["error"].astype(np.str_).isna().tolist() == found["error"].isna().tolist()
    assert found["confidence"].astype(np.float32).isna().sum() == len(bad)
    assert function.metadata.get_output_schema().input_names() == list(found)
    for picture in (whole[:200], Path("\0"), files[0].parent):
        with pytest.raises(hmexp.UserError, match="pictures: expected a picture that can be read, received"):
            hmexp.load("champion", root=root).predict([whole, picture])


def test_text_names_a_file_unless_whoever_loads_says_no(function, files):
    import mlflow

    names = [str(file) for file in files]
    found = function.predict(pd.DataFrame({"path": [*names, as_text(files[1]), "missing.png", "\0", "%"]}))
    assert found["error"].isna().tolist() == [True] * 5 + [False] * 3
    expected = function.predict(files)["predicted"].tolist()
    assert found["predicted"].tolist()[:5] == [*expected, expected[1]]
    careful = mlflow.pyfunc.load_model(URI, model_config={"paths": False})
    for params in (None, {"paths": True}):
        assert careful.predict(pd.DataFrame({"path": names}), params=params)["error"].str.startswith("text").all()
    assert careful.predict([as_text(files[1])])["predicted"].tolist() == expected[1:2]
    with pytest.raises(hmexp.UserError, match=r"model_config\.paths: expected true or false, received no"):
        mlflow.pyfunc.load_model(URI, model_config={"paths": "no"})


@pytest.mark.parametrize(
    "received",
    [
        "a.jpg",
        b"a",
        None,
        np.zeros((4, 4, 3), np.uint8),
        {"a": ["x"], "b": ["x"]},
        pd.DataFrame([["x", "x"]], columns=["picture", "picture"]),
    ],
    ids=["text", "bytes", "none", "one array", "two columns", "twice the column"],
)
def test_what_is_no_collection_of_pictures_is_refused(function, received):
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="pictures: expected a list of pictures"):
        function.predict(received)


def test_a_model_that_was_changed_is_refused(root, tmp_path):
    import mlflow

    folder = Path(mlflow.artifacts.download_artifacts(URI, dst_path=str(tmp_path)))
    loggers = [logging.getLogger(), logging.getLogger("hmexp")]
    before = [(list(logger.handlers), logger.propagate) for logger in loggers]
    assert len(mlflow.pyfunc.load_model(str(folder)).predict([np.zeros((9, 9, 3), np.uint8)])) == 1
    assert [(list(logger.handlers), logger.propagate) for logger in loggers] == before
    with (folder / "data" / "model.keras").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(hmexp.UserError, match="the file was changed"):
        mlflow.pyfunc.load_model(str(folder))


def test_behind_mlflow_models_serve(root, function, files, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    line = [sys.executable, "-m", "mlflow", "models", "serve", "-m", URI, "--env-manager", "local", "-p", str(port)]
    variables = os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{root}/mlruns/mlflow.db",
        "KERAS_BACKEND": "tensorflow",
    }
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(line, env=variables, stdout=log, stderr=log, start_new_session=True)
    try:
        while not _answers(f"{address}/ping"):
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
        expected = function.predict([files[1]]).to_dict("records")[0]
        records = [{"picture": text} for text in (as_text(files[1]), "%", None, str(files[1]))]
        good, *bad = _post(address, {"dataframe_records": records})
        assert good["predicted"] == expected["predicted"]
        assert good["probabilities"] == pytest.approx(expected["probabilities"].tolist(), rel=1e-5)
        assert [row["predicted"] for row in bad] == [None] * 3
        split = {"columns": ["id", "picture"], "data": [[7, as_text(files[1])]]}
        assert _post(address, {"dataframe_split": split})[0]["predicted"] == expected["predicted"]
        for body in ({"inputs": [str(files[1])]}, {"dataframe_records": [{"path": str(files[1])}]}):
            [row] = _post(address, body | {"params": {"paths": True}})
            assert row["error"].startswith("text that is no base64")
        for kind, body in _files_that_name(str(files[1])):
            assert _post(address, body, kind)[0]["error"].startswith("text that is no base64")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            _post(address, {"dataframe_records": [{"a": 1, "b": 2}]})
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _files_that_name(path: str) -> list[tuple[str, bytes]]:
    """The other two formats that a client may send a table in."""
    parquet = io.BytesIO()
    pd.DataFrame({"picture": [path]}).to_parquet(parquet)
    return [("text/csv", f"picture\n{path}\n".encode()), ("application/vnd.apache.parquet", parquet.getvalue())]


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.status == 200
    except OSError:
        return False


def _post(address: str, body: dict | bytes, kind: str = "application/json") -> list[dict]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}/invocations", data, {"Content-Type": kind})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read(), parse_constant=pytest.fail)["predictions"]


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_as_a_function_of_spark(function, files, monkeypatch):
    import mlflow

    sql = pytest.importorskip("pyspark.sql", reason="0.5 GB, so that it is not among the requirements of the tests")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "1"}
    spark = sql.SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    try:
        rows = [(1, files[1].read_bytes()), (2, b"no picture"), (3, None), (4, files[0].read_bytes())]
        pictures = spark.createDataFrame(rows, "id int, content binary").coalesce(1)
        classified = pictures.withColumn("p", mlflow.pyfunc.spark_udf(spark, URI)("content"))
        types = "struct<predicted:string,confidence:float,probabilities:array<float>,error:string>"
        assert dict(classified.dtypes)["p"] == types
        found = [row.p for row in classified.orderBy("id").collect()]
    finally:
        spark.stop()
    expected = function.predict([files[1], files[0]]).to_dict("records")
    for row, known in zip([found[0], found[3]], expected, strict=True):
        assert (row.predicted, row.error) == (known["predicted"], None)
        np.testing.assert_allclose(row.probabilities, known["probabilities"], rtol=1e-5)
    for row in found[1:3]:
        assert (row.predicted, row.confidence, row.probabilities) == (None, None, None)
    assert [row.error for row in found[1:3]] == ["no picture that can be read", "no picture"]
