"""The page is one file, whole and escaped."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

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
    words = ("cnn3", "on train and 0.798", "3 of 5", "0.9570", "12,345", "Some note.", "Fun has 2", "hmexp rerun=abc")
    assert [word for word in words if word not in html] == []
    assert re.search(r"<details>.*seed: 1.*</details>", html, re.DOTALL)
    assert "nan" not in html.lower()
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_figures_are_inside_and_nothing_is_fetched(page):
    html = run_report(page)
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert [base64.b64decode(image) for image in found] == [page.figures[0].read_bytes()]
    assert 'alt="per class f1"' in html
    assert not re.search(r"https?://|<link|<script|@import|url\(", html)


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
    assert "<script" not in html
    # The title stands in the head and in the heading; the table has a title, a note, a column and a cell.
    assert html.count("&lt;script&gt;") == 2 + 1 + 2 + 4 + 1 + 1 + 1


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
    parser.feed(run_report(page))
    assert parser.open == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.5000"), (np.float32(0.25), "0.2500"), (np.int64(1234), "1,234"), (True, "yes"), (None, ""), (pd.NaT, "")],
)
def test_cells(page, value, shown):
    frame = pd.DataFrame({"value": pd.Series([value], dtype=object)})
    html = run_report(replace(page, tables=(PageTable("Cells", frame),)))
    assert re.search(rf"<td[^>]*>{shown}</td>\s*</tr>\s*</table></div>\s*<h2>Warnings", html)
