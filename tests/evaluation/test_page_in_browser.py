"""The page of a run in headless Chromium: filters, CSV, the keyboard, phone and dark, and nothing that goes wrong."""

import csv
import re
import shutil
from itertools import pairwise

import pytest
from made_pages import make_run

from hmexp.evaluation.page import save_page
from hmexp.evaluation.saved import saved_pictures

sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright (pip install playwright)")
expect = sync_api.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"),
]

CONTRAST = """node => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const mixed = (colours) => {
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => value / 255);
  };
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const shares = [0.2126, 0.7152, 0.0722];
  const light = (rgb) => rgb.map(linear).reduce((sum, value, place) => sum + value * shares[place], 0);
  const behind = ["#fff"];
  for (let at = node; at; at = at.parentElement) behind.splice(1, 0, getComputedStyle(at).backgroundColor);
  const style = getComputedStyle(node);
  const ink = light(mixed([...behind, node instanceof SVGElement ? style.fill : style.color]));
  const paper = light(mixed(behind));
  return (Math.max(paper, ink) + 0.05) / (Math.min(paper, ink) + 0.05);
}"""
"""WCAG 2.1's contrast of an element's text with what lies behind it."""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("root") / "run", num=120)
    images = [f"images/0{number}.png" for number in range(4)]
    return save_page(run, saved_pictures(run, run, images)).as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens the page; at its end it has said nothing on the console and asked nothing of the network."""
    contexts, wrong = [], []

    def open_page(width=1280, **settings):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, reduced_motion="reduce", **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("request", lambda asked: None if asked.url.startswith((address, "data:")) else wrong.append(asked.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [line for line in wrong if not line.startswith("blob:")] == []


def test_mistakes_are_filtered_and_saved_for_whoever_checks_labels(open_page, tmp_path):
    page = open_page(accept_downloads=True)
    total = int(page.locator(".count").inner_text().split()[0])
    assert page.locator(".cards:visible li:visible").count() == 24 < total
    page.get_by_role("button", name="Show more").click()
    assert page.locator(".gallery li:visible").count() > 24
    page.get_by_label("It is").select_option("c1")
    page.get_by_label("colour").select_option("red")
    shown = page.locator(".gallery li:visible")
    expect(page.locator(".count")).to_have_text(re.compile(rf"^\d+ of {total} mistakes, {shown.count()} shown$"))
    assert all("c1" in text for text in shown.all_inner_texts())
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    saved.value.save_as(tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert saved.value.suggested_filename == "labels_to_check.csv"
    assert list(rows[0]) == ["article_id", "image", "split", "label", "predicted", "confidence", "colour"]
    assert len(rows) == int(page.locator(".count").inner_text().split()[0]) > 0
    assert {(row["label"], row["colour"]) for row in rows} == {("c1", "red")}
    assert all(row["article_id"].startswith("0") and row["predicted"] != "c1" for row in rows)
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".count")).to_have_text(re.compile(rf"^{total} of {total}"))


def test_a_cell_of_the_confusion_leads_to_its_mistakes(open_page):
    page = open_page()
    page.get_by_role("link", name="Classes").click()
    cell = page.locator(".matrix button").first
    expect(cell).to_be_visible()
    cell.hover()
    expect(page.locator("#tip")).to_contain_text("taken for")
    assert page.locator("#tip img").count() >= 1, "its pictures"
    expect(page.locator("#tip small")).to_contain_text(re.compile(r"0\d{9}"))
    target, predicted, count = (
        cell.get_attribute("data-target"),
        cell.get_attribute("data-predicted"),
        cell.inner_text(),
    )
    cell.click()
    expect(page.get_by_label("It is")).to_have_value(target)
    expect(page.locator("[data-by=predicted]")).to_have_value(predicted)
    expect(page.locator(".count")).to_have_text(re.compile(rf"^{count} of "))


def test_all_of_it_can_be_done_by_keyboard(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("link", name="Training and figures").focus()
    page.keyboard.press("Enter")
    chart = page.locator("#training_and_figures svg.plot").first
    expect(chart).to_be_visible()
    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tip")).to_be_visible()
    said = page.locator("#said").inner_text()
    assert re.match(r"epoch 1: train", said)
    page.keyboard.press("ArrowRight")
    assert page.locator("#said").inner_text() != said
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()
    summary = page.locator("details.section > summary").nth(4)
    was_open = summary.evaluate("node => node.parentElement.open")
    summary.focus()
    page.keyboard.press("Enter")
    assert summary.evaluate("node => node.parentElement.open") != was_open


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark_and_can_be_read(scheme, open_page):
    page = open_page(390, color_scheme=scheme)
    page.get_by_role("button", name="Open all").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for selector in ("body", ".note", ".ends", ".cards .taken", "svg text", ".matrix .hit span", "nav a"):
        ratio = page.locator(selector).first.evaluate(CONTRAST)
        assert ratio >= 4.5, (selector, ratio)


def test_what_a_screen_reader_needs_is_there(open_page):
    page = open_page()
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1
    levels = page.locator("h1, h2, h3").evaluate_all("nodes => nodes.map((node) => Number(node.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    named = "node.labels?.length || node.ariaLabel || node.alt || node.innerText"
    unnamed = f"nodes => nodes.filter((node) => !({named})).length"
    assert page.locator("img, select, button, svg.plot, [role=region]").evaluate_all(unnamed) == 0
    twice = "nodes => nodes.length - new Set(nodes.map((node) => node.id)).size"
    assert page.locator("[id]").evaluate_all(twice) == 0


def test_printing_opens_every_section(open_page):
    page = open_page()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.section:not([open])").count() == 0
    page.emulate_media(media="print")
    expect(page.locator("nav")).to_be_hidden()
    expect(page.locator(".filters")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.section:not([open])").count() > 0
