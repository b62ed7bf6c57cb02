"""The page in headless Chromium: a person's ways through it, on a desktop and a phone, and by keyboard alone."""

import re
import shutil
from dataclasses import replace

import pytest
from hostile_pictures import BAD
from served import listening

sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright (pip install playwright)")
expect = sync_api.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync", "--no-first-run", "--disable-quic"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"),
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
KEY = "the-key-of-this-page-0123456789"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(service):
    with listening(service) as address:
        yield address


@pytest.fixture
def open_page(browser, address):
    """Opens the page; at its end nothing has gone wrong in it, and nothing was asked of another site."""
    contexts, wrong = [], []

    def open_page(hash_: str = "", viewport=DESKTOP, base: str = address, **settings):
        context = browser.new_context(viewport=viewport, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
        page.on("request", lambda asked: None if asked.url.startswith((base, "blob:")) else wrong.append(asked.url))
        page.goto(f"{base}/{hash_}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def upload(page, content: bytes, name: str = "a.jpg", kind: str = "image/jpeg") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})


def results(page):
    page.wait_for_selector("#bars button")
    page.wait_for_selector("#similar a.tile")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_picture_is_classified_shown_and_walked_from(open_page, picture, viewport):
    page = open_page(viewport=viewport, has_touch=viewport is PHONE)
    upload(page, picture)
    results(page)
    shares = [float(re.search(r"[\d.]+", text)[0]) for text in page.locator("#bars .share").all_text_contents()]
    assert shares == sorted(shares, reverse=True)
    best = page.locator("#bars .class").first.text_content()
    assert page.locator("#heat-class").text_content() == best
    assert page.locator("#announcer").text_content().startswith(best)
    page.get_by_text("Show what speaks for").click()
    page.wait_for_selector("#heat:not([hidden])")
    assert page.evaluate("document.querySelector('#heat').naturalWidth") > 0
    second = page.locator("#bars button").nth(1)
    second.click()
    assert second.get_attribute("aria-pressed") == "true"
    assert page.locator("#heat-class").text_content() != best
    wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1], "nothing sticks out at the side"
    names = page.locator("#similar .name").all_text_contents()
    assert len(names) == 12
    page.locator("#similar a.tile").nth(1).click()
    page.wait_for_selector("h1:has-text('" + names[1].replace("\u200b", "") + "')")
    page.go_back()
    results(page)
    assert page.locator("#similar .name").all_text_contents() == names, "back leads to the results again"


def test_a_walk_from_similar_to_similar_and_back(open_page, service):
    catalogue = service.catalogue
    page = open_page(f"#/article/{catalogue.ids[0]}")
    page.wait_for_selector("#similar a.tile")
    names, trail = [page.locator("h1").text_content()], []
    for _ in range(3):
        trail.append(page.url)
        page.locator("#similar a.tile").nth(2).click()
        page.wait_for_url(lambda url, here=trail[-1]: url != here)
        page.wait_for_selector("#similar a.tile")
        names.append(page.locator("h1").text_content())
        assert page.evaluate("document.activeElement.tagName") == "H1", "a screen reader hears the new page"
        assert names[-1] in page.title()
    for place in (2, 1, 0):
        page.go_back()
        expect(page.locator("h1")).to_have_text(names[place])
        assert page.url == trail[place]
    page.go_forward()
    expect(page.locator("h1")).to_have_text(names[1])
    page.get_by_text("Same class").click()
    label = page.locator("#label").text_content()
    page.wait_for_selector("#similar a.tile")  # the old ones go at once
    assert set(page.locator("#similar .class").all_text_contents()) == {label}


def test_the_catalogue_by_class_and_words(open_page, service, classes):
    page = open_page("#/catalogue")
    page.wait_for_selector("#articles a.tile")
    assert page.locator("#count").text_content() == f"{len(service.catalogue)} articles"
    page.get_by_role("link", name="Next").click()
    page.wait_for_selector("text=Page 2 of")
    assert "page=2" in page.url
    page.locator("#classes a", has_text=classes[0]).click()
    expect(page.locator("#count")).to_contain_text(f"of {classes[0]}")
    assert set(page.locator("#articles .class").all_text_contents()) == {classes[0]}
    name = page.locator("#articles .name").first.text_content().replace("\u200b", "")
    page.fill("#words", name.upper())
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_contain_text("for “")
    assert name in [text.replace("\u200b", "") for text in page.locator("#articles .name").all_text_contents()]
    page.fill("#words", "<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Search").click()
    page.wait_for_selector("text=No article has these words")
    page.get_by_role("link", name="Show all articles").click()
    page.wait_for_selector("#articles a.tile")
    page.go_back()
    page.wait_for_selector("text=No article has these words")


def test_the_champion_has_a_card(open_page):
    page = open_page("#/champion", viewport=PHONE)
    page.wait_for_selector("#metrics table")
    text = page.locator("main").inner_text()
    for part in ("hmexp-sample version 1", "79.0 %", "it is new", "nothing: it is the first", "32 \u00d7 32"):
        assert part in text, part


def test_what_goes_wrong_is_said_in_words(open_page):
    page = open_page()
    upload(page, b"notes", "notes.txt", "text/plain")
    problem = page.locator("#problem")
    problem.wait_for()
    assert problem.text_content() == "notes.txt is no picture. JPEG, PNG and WebP are taken."
    for name, kind, words in (
        ("truncated jpeg", "image/jpeg", "This picture cannot be read: truncated."),
        ("moving png", "image/png", "This is an animation; a single picture is expected."),
        ("bomb, just too large", "image/png", "This picture has 1,001,000 pixels; 1,000,000 are the most."),
    ):
        upload(page, BAD[name][0], "a", kind)
        expect(problem).to_contain_text(words)
        assert page.locator("#result").is_hidden()
    assert problem.get_attribute("role") == "alert"
    page.goto(page.url.split("#")[0] + "#/article/0000000000")
    page.wait_for_selector("text=There is no such article.")
    page.goto(page.url.split("#")[0] + "#/nowhere")
    page.wait_for_selector("text=There is nothing here")


def test_a_server_that_is_gone_is_said_in_words(open_page, picture):
    page = open_page()
    page.context.set_offline(True)
    upload(page, picture)
    page.wait_for_selector("text=The server does not answer")
    page.context.set_offline(False)
    upload(page, picture)
    results(page)
    assert page.locator("#problem").is_hidden()


def test_pictures_are_dropped_and_pasted(open_page, picture):
    page = open_page()
    give = """([bytes, kind]) => {
        const file = new File([new Uint8Array(bytes)], "a.jpg", { type: "image/jpeg" });
        const transfer = new DataTransfer();
        transfer.items.add(file);
        const event = kind === "drop"
            ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
        document.querySelector("#drop").dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        page.evaluate(give, [list(picture), kind])
        results(page)
        page.reload()
        page.wait_for_selector("#drop:not(.small)")


def test_all_of_it_by_keyboard(open_page, picture):
    page = open_page()
    press = page.keyboard.press
    press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = []
    for _ in range(20):
        press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        if seen[-1] == "file":
            break
    assert seen[1:] == ["Picture", "Catalogue", "Champion", "file"]
    outlined = "getComputedStyle(document.querySelector('label[for=file]')).outlineStyle"
    assert page.evaluate(outlined) == "solid", "it is seen where the keyboard is"
    _chooser_by_key(page).set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture})
    results(page)
    _tab_to(page, "document.activeElement.id === 'heat-on'")
    press("Space")
    page.wait_for_selector("#heat:not([hidden])")
    press("Tab")
    press("Tab")
    press("Enter")
    assert page.locator("#bars button").nth(1).get_attribute("aria-pressed") == "true"
    _tab_to(page, "document.activeElement.classList.contains('tile')")
    press("Enter")
    page.wait_for_selector("#name")
    page.wait_for_selector("#similar a.tile")
    _tab_to(page, "document.activeElement.id === 'same-class'")
    press("Space")
    assert page.locator("#same-class").is_checked()


def _chooser_by_key(page):
    """Presses the key as a person does: again where nothing opened, as it happens to Chromium on a busy machine."""
    opened = []
    page.on("filechooser", lambda chooser: opened.append(chooser))
    for _ in range(3):
        page.keyboard.press("Space")
        for _ in range(50):
            if opened:
                return opened[0]
            page.wait_for_timeout(100)
    raise AssertionError(f"no file chooser opened from {page.evaluate('document.activeElement.outerHTML')}")


def _tab_to(page, condition: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(condition):
            return
    raise AssertionError(condition)


@pytest.mark.parametrize("hash_", ["", "#/catalogue", "#/champion"])
def test_a_screen_reader_finds_its_way(open_page, hash_):
    page = open_page(hash_, color_scheme="dark")
    expect(page.locator("[aria-busy]")).to_have_count(0)
    lacking = page.evaluate("""() => [...document.querySelectorAll('main :is(a, button, input, img)')]
        .filter((each) => each.offsetParent !== null)
        .filter((each) => each.tagName === 'IMG' ? !each.hasAttribute('alt')
            : !(each.labels?.length || each.textContent.trim() || each.ariaLabel || each.querySelector('img[alt]')))
        .map((each) => each.outerHTML)""")
    assert lacking == []
    assert page.locator("h1").count() == 1
    assert page.locator("nav a[aria-current=page]").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
    assert len(ids) == len(set(ids))


def test_the_api_is_described_without_another_site(open_page, address):
    page = open_page("docs")
    page.wait_for_selector(".endpoint")
    for path in ("/classify", "/similar", "/articles/{address_id}", "/recommend/{customer}", "/health", "/metrics"):
        assert page.locator("h3 code", has_text=re.compile(f"^{re.escape(path)}$")).count() >= 1, path
    assert f"curl -F picture=@picture.jpg '{address}/classify'" in page.locator("main").inner_text()


def test_a_server_with_a_key_asks_for_it(open_page, service, picture):
    with listening(replace(service, key=KEY)) as locked:
        page = open_page("#/catalogue", base=locked)
        page.wait_for_selector("#key-dialog[open]")
        page.fill("#key", "wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=This API key is not right.")
        page.fill("#key", KEY)
        page.get_by_role("button", name="Continue").click()
        page.wait_for_selector("#articles a.tile")
        expect(page.locator("#articles img").first).to_have_js_property("complete", True)
        assert page.locator("#articles img").first.evaluate("image => image.naturalWidth") > 0
        [cookie] = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert KEY not in cookie["value"]
        page.goto(f"{locked}/")
        upload(page, picture)
        results(page)
