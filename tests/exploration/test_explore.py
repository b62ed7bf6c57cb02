"""The verb `explore` on a small catalogue with everything wrong with it."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_catalogues import shirt

from hmexp.cli import main

COLOURS = {"Garment Upper body": (200, 30, 30), "Shoes": (30, 30, 30), "<b>Bags</b>": (40, 160, 60)}
COUNTS = {"Garment Upper body": 24, "Shoes": 12, "<b>Bags</b>": 4}
VOID = {"meta", "img", "path", "circle"}


def add_picture(root: Path, article: str, colour: tuple[int, int, int], seed: int) -> Path:
    path = root / "images" / article[:3] / f"{article}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    shirt(colour, seed=seed).save(path, quality=92)
    return path


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("catalogue")
    rows = []
    for label, count in COUNTS.items():
        for _ in range(count):
            number = len(rows)
            article = f"{100_000_000 * (1 + number % 3) + 1000 * (number // 2) + number % 2:010d}"
            rows.append((article, article[:7], label, "all"))
            add_picture(root, article, COLOURS[label], number)
    table = pd.DataFrame(rows, columns=["article_id", "product_code", "product_group_name", "brand"])
    table.to_csv(root / "articles.csv", index=False)
    places = {row[0]: root / "images" / row[0][:3] / f"{row[0]}.jpg" for row in rows}
    files = list(places.values())
    files[1].unlink()
    files[3].write_bytes(files[3].read_bytes()[:500])
    shutil.copyfile(files[5], files[30])
    add_picture(root, "0999999999", (0, 0, 0), 99)
    return root


@pytest.fixture(scope="module")
def explored(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What the terminal and the page say."""
    folder = tmp_path_factory.mktemp("explored")
    words = ("data=hm", f"data.root={catalogue}", "data.image_size=48", f"paths.cache={folder}", f"paths.root={folder}")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["explore", *words]) == 0
        assert sorted(path.name for path in folder.iterdir()) == ["explore.html", "stores"], "nothing else is written"
    return str(folder), (folder / "explore.html").read_text(encoding="utf-8")


def test_the_page_names_what_is_wrong(explored):
    text = re.sub(r"<[^>]+>", "", explored[1])
    for words in (
        "Articles without a picture: 1 of 40 (2.5 %)",
        "Pictures without an article: 1,",
        "Unreadable: 1 of 39 picture files (2.6 %)",
        "Labels in doubt: 2 articles share a picture",
        "Imbalance: 59 %",
        "Near-empty classes: 3",
        "The same in every row: brand",
        "Disorder of folders",
    ):
        assert words in text, words


def test_the_page_is_one_file_whole_and_escaped(explored):
    html = explored[1]
    assert not re.search(r"https?://|<link|@import|url\(|<b>Bags", html)
    assert "&lt;b&gt;Bags&lt;/b&gt;" in html
    assert "prefers-color-scheme: dark" in html and 'name="viewport"' in html
    assert len(re.findall(r'src="data:image/jpeg;base64,', html)) > 20
    open_tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in VOID:
                open_tags.append(tag)

        def handle_endtag(self, tag):
            if tag not in VOID:
                assert open_tags.pop() == tag

    Tags().feed(html)
    assert open_tags == []
    anchors = set(re.findall(r'href="#(\w+)"', html))
    assert anchors <= set(re.findall(r'id="(\w+)"', html))


def test_the_table_alone_is_read_without_pictures(catalogue, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ("data=hm", f"data.root={catalogue}", f"paths.cache={tmp_path}", "pictures=false", "out=table.html")
    assert main(["explore", *words]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["table.html"]
    html = (tmp_path / "table.html").read_text(encoding="utf-8")
    assert "Imbalance" in html and "data:image" not in html


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("out=page.pdf",), "out: expected null or a name that ends in .html, received page.pdf"),
        (("out=nowhere/page.html",), "out: expected a file in a folder that is there, received nowhere/page.html"),
        (("log=true", "tracking=none"), "log: expected false with tracking=none, received true"),
        (("max_distance=65",), "max_distance: expected a whole number from 0 to 12, received 65"),
        (
            ("data/merge=map", "data.merge.mapping={Shoe: Bags}"),
            "data.merge.mapping: expected classes of the catalogue",
        ),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(words, said, catalogue, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["explore", "data=hm", f"data.root={catalogue}", f"paths.cache={tmp_path}", *words]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_one_class_is_looked_at_too(tmp_path, monkeypatch):
    (tmp_path / "pictures" / "only").mkdir(parents=True)
    for number in range(3):
        shirt((200, 30, 30), seed=number).save(tmp_path / "pictures" / "only" / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    words = ("data=folder", "data.root=pictures", "data.image_size=16", f"paths.cache={tmp_path / 'cache'}")
    assert main(["explore", *words]) == 0
    assert "There is one class, only" in (tmp_path / "explore.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_is_recorded_where_that_is_asked_for_and_no_leaderboard_lists_it(
    catalogue, database, tmp_path, monkeypatch, capsys
):
    (tmp_path / "mlruns").mkdir()
    shutil.copyfile(database, tmp_path / "mlruns" / database.name)
    monkeypatch.chdir(tmp_path)
    words = ("data=hm", f"data.root={catalogue}", "data.image_size=16", f"paths.cache={tmp_path / 'cache'}")
    assert main(["explore", *words, "log=true", "name=first look"]) == 0
    found = {path.name for path in (tmp_path / "mlruns" / "artifacts").rglob("*") if path.is_file()}
    assert found == {"explore.html", "findings.json", "classes.csv"}
    assert main(["runs"]) == 0
    assert "no runs in hmexp yet" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone(explored, scheme):
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright (pip install playwright)")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with sync_api.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        wanted: list[str] = []
        page.on("request", lambda request: wanted.append(request.url))
        page.goto(f"file://{explored[0]}/explore.html")
        width = page.evaluate("document.documentElement.scrollWidth")
        ink, paper = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        browser.close()
    assert width <= 390, "nothing makes the page wider than the screen"
    assert [url for url in wanted if not url.startswith(("file:", "data:"))] == []
    dark = [np.mean([int(number) for number in re.findall(r"\d+", colour)[:3]]) < 128 for colour in (ink, paper)]
    assert dark == ([True, False] if scheme == "light" else [False, True])
