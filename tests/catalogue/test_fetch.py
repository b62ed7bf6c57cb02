"""`fetch zip=FILE`: what lands in the folder, and what does not."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest
from made_zips import LINK, Member, article, catalogue_members, image_path, jpeg, make_zip

from hmexp.catalogue import extract as module
from hmexp.catalogue.extract import LOCK, locked_folder
from hmexp.catalogue.fetch import fetch
from hmexp.cli import main
from hmexp.config.errors import RunError, UserError
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import FetchConfig

Usage = namedtuple("Usage", "total used free")
FIRST = image_path(article(0))


def fetch_into(to: Path, members: list[Member]) -> None:
    path = make_zip(to.parent / "hm.zip", members)
    fetch(FetchConfig(zip=str(path), to=str(to)), Invocation(""))


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def expected(members: list[Member]) -> dict[str, bytes]:
    return {member.name: member.data for member in members if member.name != "sample_submission.csv"}


@pytest.fixture(autouse=True)
def info(caplog):
    caplog.set_level("INFO")


def test_the_layout_is_extracted_and_the_rest_counted_by_reason(tmp_path, caplog):
    others = [
        Member("images/010/108775015.jpg"),
        Member("images/011/0108775015.jpg"),
        Member("images/010/0108775015.png"),
        Member("images/010/0108775015.jpg/x"),
        Member("images/010/\u0660108775015.jpg"),
        Member("Articles.csv"),
        Member("images/010/0108775016.jpg", b"/etc/passwd", attributes=LINK),
        Member("../articles.csv"),
        Member("/articles.csv"),
    ]
    fetch_into(tmp_path / "to", [*catalogue_members(), *others])
    assert files(tmp_path / "to") == expected(catalogue_members())
    assert names(tmp_path) == ["hm.zip", "to"]
    assert "7 files are left out: no part of H&M's layout" in caplog.text
    assert "2 files are left out: a name that leads out of its folder (../articles.csv, /articles.csv)" in caplog.text
    assert "1 files are left out: a link (images/010/0108775016.jpg)" in caplog.text
    assert "60 pictures and articles.csv, customers.csv, transactions_train.csv" in caplog.text
    assert f"next: hmexp data=hm data.root={tmp_path / 'to'}" in caplog.text


def test_the_folder_is_named_after_the_archive_and_quoted(tmp_path, monkeypatch, caplog):
    make_zip(tmp_path / "H&M of mine.zip", catalogue_members(3))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    fetch(FetchConfig(zip="../H&M of mine.zip"), Invocation(""))
    assert (tmp_path / "elsewhere" / "H&M of mine" / "articles.csv").is_file()
    assert f"data.root='{tmp_path}/elsewhere/H&M of mine'" in caplog.text


def test_what_is_whole_is_not_written_again_and_the_rest_is(tmp_path, caplog):
    to = tmp_path / "to"
    fetch_into(to, catalogue_members())
    kept = {path: path.stat().st_ino for path in to.rglob("*.jpg")}
    lost = to / FIRST
    lost.unlink()
    (to / "customers.csv").unlink()
    (lost.parent / f".{lost.name}.partial").write_bytes(b"torn by a kill")
    fetch_into(to, catalogue_members())
    assert files(to) == expected(catalogue_members())
    assert {path: path.stat().st_ino for path in kept if path != lost} == {
        path: inode for path, inode in kept.items() if path != lost
    }
    assert "61 files were there already" in caplog.text


def test_files_have_the_times_of_their_members_so_that_stores_keep_their_keys(tmp_path):
    fetch_into(tmp_path / "to", catalogue_members(3))
    assert (tmp_path / "to" / FIRST).stat().st_mtime == 315_532_800  # 1980, where a zip's time begins


@pytest.mark.parametrize("name", ["articles.csv", FIRST])
@pytest.mark.parametrize("same_size", [True, False])
def test_foreign_files_stay_as_they_are_and_nothing_is_written(name, same_size, tmp_path):
    [size] = [len(member.data) for member in catalogue_members() if member.name == name]
    foreign = tmp_path / "to" / name
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"m" * (size if same_size else 5))
    before = files(tmp_path / "to")
    with pytest.raises(UserError, match=rf"^to: .* received 1 that are not as in the archive \(the first is {name}\)"):
        fetch_into(tmp_path / "to", catalogue_members())
    assert files(tmp_path / "to") == before


def test_other_files_in_the_folder_are_let_be(tmp_path):
    (tmp_path / "to" / "images" / "mine").mkdir(parents=True)
    (tmp_path / "to" / "notes.txt").write_text("mine")
    (tmp_path / "to" / "images" / "mine" / "1.jpg").write_bytes(b"mine")
    fetch_into(tmp_path / "to", catalogue_members(3))
    assert {"notes.txt", "images/mine/1.jpg", "articles.csv"} < set(files(tmp_path / "to"))


@pytest.mark.parametrize("place", ["images", FIRST.rpartition("/")[0], "articles.csv", FIRST, LOCK])
@pytest.mark.parametrize("dangling", [True, False])
def test_no_link_in_the_folder_is_followed(place, dangling, tmp_path):
    outside = tmp_path / "outside"
    is_file = Path(place).suffix in (".csv", ".jpg", ".lock")
    if not dangling:
        outside.write_bytes(b"precious") if is_file else outside.mkdir()
    link = tmp_path / "to" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(UserError, match=r"^to: expected"):
        fetch_into(tmp_path / "to", catalogue_members())
    assert link.is_symlink()
    assert outside.exists() is not dangling
    assert outside.read_bytes() == b"precious" if is_file and not dangling else not list(outside.glob("*"))


def test_the_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "to").symlink_to(tmp_path / "disk")
    fetch_into(tmp_path / "to", catalogue_members())
    assert files(tmp_path / "disk") == expected(catalogue_members())


def test_a_file_for_a_folder_is_one_line(tmp_path):
    (tmp_path / "to").write_text("a file")
    with pytest.raises(UserError, match=r"^to: expected a folder, received"):
        fetch_into(tmp_path / "to", catalogue_members(3))
    with pytest.raises(UserError, match=r"^to: expected folders, and no links"):
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "images").write_text("a file")
        fetch_into(tmp_path / "other", catalogue_members(3))


def test_room_is_asked_for_before_anything_is_written(tmp_path, monkeypatch, capsys):
    members = [*catalogue_members(3), Member("images/099/0999999999.jpg", os.urandom(3_000_000), 0)]
    path = make_zip(tmp_path / "hm.zip", members)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda place: Usage(10**9, 10**9, 2_000_000))
    assert main(["fetch", f"zip={path}", f"to={tmp_path / 'to'}"]) == 1
    said = capsys.readouterr().err
    assert "received too little for 3.0 MB (2.0 MB free)" in said
    assert f"this goes on: python -m hmexp fetch zip={path}" in said
    assert not (tmp_path / "to").exists()


def test_damaged_pictures_are_counted_and_the_others_extracted(tmp_path, caplog):
    members = catalogue_members(120)
    members[-1].crc = 1
    fetch_into(tmp_path / "to", members)
    assert files(tmp_path / "to") == expected(members[:-1])
    assert f"1 files are left out: damaged in its archive (another checksum) ({members[-1].name})" in caplog.text


def test_many_damaged_members_fail_in_the_end(tmp_path):
    members = catalogue_members(60)
    members[-1].crc = members[-2].crc = 1
    with pytest.raises(RunError, match=r"^zip: expected at most 1% of the members damaged, received 3\.2%"):
        fetch_into(tmp_path / "to", members)
    assert files(tmp_path / "to") == expected(members[:-2])


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([Member("holiday.jpg", jpeg(1))], "no articles.csv"),
        (catalogue_members()[4:], "no articles.csv"),
        (catalogue_members()[:4], "no picture"),
        ([], "no articles.csv"),
        ([*catalogue_members(), Member("articles.csv", b"another")], "its name is there more than once"),
        ([*catalogue_members()[1:], Member("articles.csv", b"a,b", crc=1)], "damaged in its archive"),
        ([*catalogue_members()[1:], Member("articles.csv", b"/etc/passwd", attributes=LINK)], "a link"),
        ([*catalogue_members()[1:], Member("articles.csv", bytes(2**24))], "inflates"),
    ],
    ids=("holiday", "pictures", "tables", "empty", "twice", "damaged", "link", "bomb"),
)
def test_another_archive_is_refused_in_a_line_and_nothing_is_written(members, reason, tmp_path):
    with pytest.raises(UserError, match=rf"^zip: expected .*{reason}"):
        fetch_into(tmp_path / "to", members)
    assert names(tmp_path) == ["hm.zip"]


def test_pictures_larger_than_any_picture_are_left_out(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "MAX_PICTURE_BYTES", 5000)
    large = Member("images/099/0999999999.jpg", os.urandom(6000), 0)
    fetch_into(tmp_path / "to", [*catalogue_members(3), large])
    assert "more than 5.0 kB (images/099/0999999999.jpg)" in caplog.text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "zip: expected H&M's archive (zip=FILE), or kaggle=true"),
        (["zip=hm.zip", "kaggle=true"], "zip: expected nothing with kaggle=true"),
        (["zip=none.zip"], "zip: expected a zip archive, received"),
        (["zipp=none.zip"], "did you mean zip?"),
    ],
)
def test_wrong_words_are_one_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["fetch", *words]) == 2
    assert said in capsys.readouterr().err
    assert names(tmp_path) == []


def test_two_commands_never_write_to_one_folder(tmp_path):
    with locked_folder(tmp_path / "to"), pytest.raises(UserError, match=r"^to: .* no other command writes to"):
        fetch_into(tmp_path / "to", catalogue_members(3))
    fetch_into(tmp_path / "to", catalogue_members(3))
    assert not (tmp_path / "to" / LOCK).exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_command_that_was_ended_goes_on(number, tmp_path):
    members = catalogue_members(3)
    many = [Member(f"images/0{n // 200:02d}/0{n // 200:02d}{n:07d}.jpg", os.urandom(40_000), 0) for n in range(3000)]
    path, to = make_zip(tmp_path / "hm.zip", [*members, *many]), tmp_path / "to"
    words = [sys.executable, "-m", "hmexp", "fetch", f"zip={path}", f"to={to}"]
    begun = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while not (to / "images" / "004").exists() and begun.poll() is None:
        time.sleep(0.01)
    begun.send_signal(number)
    said = begun.communicate(timeout=60)[1]
    shown = {name: data for name, data in files(to).items() if not Path(name).name.startswith(".")}
    assert 800 < len(shown) < 3000
    whole = expected([*members, *many])
    assert all(whole[name] == data for name, data in shown.items())
    if number == signal.SIGINT:
        assert begun.returncode == 130
        assert "this goes on: python -m hmexp fetch" in said
        assert set(files(to)) == set(shown)
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert files(to) == whole
    assert f"{len(shown):,} files were there already" in done.stdout
    shutil.rmtree(to)
