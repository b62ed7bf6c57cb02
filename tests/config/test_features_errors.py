"""What `embed` and `similar` refuse before anything is read."""

import pytest

from hmexp.cli import main

CASES = {
    ("embed", "out=a.txt"): "out: expected a name that ends in .csv or .json, received a.txt",
    ("embed", "against=[1]"): "against: expected models beside evaluate=true, received them without it",
    ("embed", "split=tset"): "split: expected one of train, val, test, all, received tset (did you mean test?)",
    ("embed", "limit=1"): "limit: expected a whole number from 2",
    (
        "embed",
        "model=cnn",
        "data=sample",
    ): "model: expected backbone, hub or saved, which have weights",
    ("embed", "model=backbone", "data=sample"): "model.weights: expected imagenet or a file of weights, received null",
    ("embed", "model=backbone", "model.weights=imagenet"): "data: expected a catalogue (data=hm data.root=...) beside",
    ("similar",): "article_id: expected article_id=ID or image=FILE, received neither",
    ("similar", "article_id=1", "image=a.jpg"): "article_id: expected article_id=ID or image=FILE, received both",
    ("similar", "article_id=1", "k=0"): "k: expected a whole number from 1 to 1000, received 0",
    ("similar", "article_id=1", "out=a.jpg"): "out: expected null or a name that ends in .png, received a.jpg",
    (
        "similar",
        "article_id=1",
        "format=jsn",
    ): "format: expected one of table, json, csv, received jsn",
    ("similar", "article_id=1", "runner=rey"): "runner: expected one of local, ray, received rey (did you mean ray?)",
}


@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_one_line_exit_2_nothing_written(words, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(list(words)) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"hmexp: error: {CASES[words]}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("article", ["0108775015", "1e5", "shoes/a b&c,d=(1).jpg", "true"])
def test_ids_are_taken_as_they_are_typed(article, capfd):
    assert main(["similar", f"article_id={article}", "image=/data/H&M/a,b.jpg"]) == 2
    assert "received both" in capfd.readouterr().err
    assert main(["similar", f"article_id={article}", "--cfg", "job"]) == 0
    assert article in capfd.readouterr().out
