"""The page is one file, whole and escaped."""

import base64
import io
import re
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hmexp.reports.cells import cell
from hmexp.reports.page import PageTable, RunPage, run_report
from hmexp.reports.style import new_figure, save

EVIL = '<script>alert("x")</script>'


@pytest.fixture
def page(tmp_path):
    save(new_figure(2, 1), tmp_path / "per_class_f1.png")
    metrics = pd.DataFrame({"metric": ["accuracy"], "train": [0.957], "val": [0.798]})
    classes = pd.DataFrame({"label": [EVIL], "f1": [np.nan], "support": np.array([12345])})
    return RunPage(
        title="cnn3",
        verdict="Accuracy is 0.957 on train and 0.798 on val.",
        facts=(("best epoch", "3 of 5"),),
        tables=(PageTable("The best epoch's model", metrics), PageTable("Each class on val", classes, "Some note.")),
        warnings=("Fun has 2 articles",),
        figures=(tmp_path / "per_class_f1.png",),
        command="hmexp rerun=abc seed=2",
        config="seed: 1\n",
    )


def test_the_page_shows_all_it_was_given(page):
    html = run_report(page)
    words = ("cnn3", "on train and 0.798", "3 of 5", "0.957", "12,345", "Some note.", "Fun has 2", "hmexp rerun=abc")
    assert [word for word in words if word not in html] == []
    assert re.search(r"<details class=\"numbers\">.*seed: 1.*</details>", html, re.DOTALL)
    assert "nan" not in re.sub("<script>.*?</script>", "", html, flags=re.DOTALL).lower()
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_figures_are_inside_and_nothing_is_fetched(page):
    html = run_report(page)
    (image,) = re.findall(r'src="data:image/webp;base64,([^"]+)"', html)
    with Image.open(io.BytesIO(base64.b64decode(image))) as found, Image.open(page.figures[0]) as drawn:
        assert found.size == drawn.size
    assert 'alt="Per class f1"' in html
    assert not re.search(r"https?://|<link|@import|url\(", html)


def test_the_policy_allows_the_page_its_own_script_and_look_alone(page):
    html = run_report(page)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        text = re.search(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)[1]
        digest = base64.b64encode(sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.search(r"<[^>]+ (style|on\w+)=", html), "what the policy would refuse"


def test_text_is_escaped_wherever_it_comes_from(page):
    everywhere = replace(
        page,
        title=EVIL,
        verdict=EVIL,
        facts=((EVIL, EVIL),),
        tables=(PageTable(EVIL, pd.DataFrame({EVIL: [EVIL]}), EVIL),),
        warnings=(EVIL,),
        command=EVIL,
        config=EVIL,
    )
    html = run_report(everywhere)
    assert html.count("<script") == 1
    # The title stands in the head and in the heading; the table's in the contents and above it. The table has a note,
    # which is also its name for a screen reader, a column and a cell.
    assert html.count("&lt;script&gt;") == 2 + 1 + 2 + 2 + 4 + 1 + 1 + 1


def test_a_long_table_is_looked_through_once(page, monkeypatch):
    """And not once for each of its cells."""
    looked, look = [], pd.Series.map

    def counted(series, *words, **keys):
        looked.append(len(series))
        return look(series, *words, **keys)

    monkeypatch.setattr(pd.Series, "map", counted)
    table = PageTable("Each class", pd.DataFrame({name: np.arange(500) for name in "abcd"}))
    run_report(replace(page, tables=(table,)))
    assert 0 < sum(looked) <= 4 * 500


def test_every_tag_is_closed(page):
    class Tags(HTMLParser):
        open: list[str]

        def handle_starttag(self, tag, attrs):
            if tag not in {"meta", "img"}:
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    parser = Tags()
    parser.open = []
    parser.feed(re.sub("<script>.*?</script>", "", run_report(page), flags=re.DOTALL))
    assert parser.open == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *(
            (0.5, "0.500"),
            (np.float32(0.25), "0.250"),
            (12.345, "12.3"),
            (1234.5, "1,234"),
            (0.00002, "2e-05"),
            (0.0, "0.000"),
        ),
        *(
            (np.int64(1234), "1,234"),
            (True, "yes"),
            (None, ""),
            (pd.NaT, ""),
            (float("nan"), ""),
            ("a\u202eb", "a\\u202eb"),
        ),
    ],
)
def test_cells(value, shown):
    assert cell(value) == shown
