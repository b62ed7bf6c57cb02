"""Zip archives that are damaged or made to harm, on their own."""

import io
import os
import pickle
import random
import struct
import threading
import zlib
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZipFile

import pytest
from made_zips import FIFO, LINK, Member, make_zip

from hmexp.catalogue import archive as module
from hmexp.catalogue.archive import Archive, BadMember, is_safe_name
from hmexp.config.errors import UserError

GOOD = Member("good.txt", b"good" * 100)
ZEROS = bytes(3 * 2**20)


def unicode_name(told: str, name: str) -> bytes:
    """The extra field 0x7075, by which some readers take another name."""
    data = struct.pack("<BL", 1, zlib.crc32(told.encode())) + name.encode()
    return struct.pack("<HH", 0x7075, len(data)) + data


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([Member("../evil")], "leads out"),
        ([Member("images/../../evil")], "leads out"),
        ([Member("/etc/passwd")], "leads out"),
        ([Member("//server/share")], "leads out"),
        ([Member("..")], "leads out"),
        ([Member("a/./b")], "leads out"),
        ([Member("a//b")], "leads out"),
        ([Member("C:evil")], "leads out"),
        ([Member("a\\..\\..\\evil")], "leads out"),
        ([Member("../", b"")], "leads out"),
        ([Member("good.jpg\0.exe")], "leads out"),
        ([Member("new\nline")], "leads out"),
        ([Member("escape\x1b[2J")], "leads out"),
        ([Member("link", b"/etc/passwd", attributes=LINK)], "a link"),
        ([Member("pipe", attributes=FIFO)], "no regular file"),
        ([Member("secret", flags=1)], "encrypted"),
        ([Member("packed", method=ZIP_BZIP2)], "other than deflate"),
        ([Member("packed", method=ZIP_LZMA)], "other than deflate"),
        ([Member("packed", method=93)], "other than deflate"),
        pytest.param([Member("bomb", ZEROS)], "inflates", id="bomb"),
        ([Member("bomb", b"x", size=2**32 - 2)], "inflates"),
        ([Member("stored", b"1234", 0, size=400)], "sizes"),
        ([Member("stored", b"1234", 0, size=2)], "sizes"),
        ([Member("beyond", b"1234", packed_size=10**6)], "sizes"),
        ([Member("beyond", b"1234", offset=10**6)], "sizes"),
        ([Member("twice", b"1"), Member("twice", b"2")], "more than once"),
        ([Member("first", b"1" * 900, 0), Member("second", b"2", 0, offset=600)], "overlaps"),
    ],
    ids=str,
)
def test_members_that_could_harm_are_left_out_and_the_others_read(members, reason, tmp_path):
    opened = Archive(make_zip(tmp_path / "a.zip", [GOOD, *members]), "zip")
    assert list(opened.members) in (["good.txt"], [])  # what the lie overlaps is left out too
    for member in members:
        assert reason in opened.left_out[member.name]
    if opened.members:
        assert opened.open("good.txt").read() == GOOD.data


def test_a_bomb_of_overlapping_members_is_left_out_whole(tmp_path):
    """As David Fifield's: one kernel of zeros, which every member tells as its own."""
    kernel = Member("0", bytes(2**20))
    rest = [Member(str(place), bytes(2**20), packed=b"", packed_size=1040, offset=0) for place in range(1, 200)]
    opened = Archive(make_zip(tmp_path / "a.zip", [kernel, *rest]), "zip")
    assert opened.members == {}
    assert set(opened.left_out.values()) == {"it overlaps another member"}


def test_members_that_quote_the_next_one_overlap_in_a_chain(tmp_path):
    lies = [Member(str(place), b"1234", 0, size=44, packed_size=44) for place in range(5)]
    opened = Archive(make_zip(tmp_path / "a.zip", [*lies, Member("last", b"z" * 100, 0), GOOD]), "zip")
    assert list(opened.members) == ["good.txt"]


def test_a_second_name_beside_the_first_is_checked_too(tmp_path):
    told = Member("fine.txt", extra=unicode_name("fine.txt", "../../evil"))
    opened = Archive(make_zip(tmp_path / "a.zip", [told]), "zip")
    assert not any(".." in name for name in opened.members)


def test_names_that_only_look_odd_are_read(tmp_path):
    names = ["a b.txt", "..a/b..", "Größe/ß.jpg", "衣服.jpg", "ab:c/d", "-rf", "~", "%2e%2e/x"]
    opened = Archive(make_zip(tmp_path / "a.zip", [Member(name) for name in names]), "zip")
    assert list(opened.members) == names
    assert all(map(is_safe_name, names))


def test_folders_are_no_members(tmp_path):
    opened = Archive(make_zip(tmp_path / "a.zip", [Member("images/", b"", 0), Member("images/1.jpg")]), "zip")
    assert list(opened.members) == ["images/1.jpg"]
    assert opened.left_out == {}


@pytest.mark.parametrize(
    "member",
    [
        Member("bad", b"1234", crc=1),
        Member("bad", b"1234" * 10, size=20),
        Member("bad", b"1234" * 10, size=4000),
        Member("bad", b"1234" * 10, size=4000, crc=zlib.crc32(b"1234" * 10)),
        Member("bad", b"1234" * 10, packed_size=3),
        Member("bad", b"1234", packed=b"\xff\xff\xff\xff", packed_size=4),
        Member("bad", b"1234", local_name="dab"),
        Member("bad", b"1234", packed_size=0, offset=5),
    ],
    ids=str,
)
def test_damaged_members_say_so_and_give_no_more_than_was_told(member, tmp_path):
    opened = Archive(make_zip(tmp_path / "a.zip", [member]), "zip")
    with pytest.raises(BadMember, match="damaged in its archive"), opened.open("bad") as stream:
        total = 0
        while block := stream.read(7):
            total += len(block)
            assert total <= opened.members["bad"].file_size


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 9, b"PK\5\6" + bytes(17), b"\x1f\x8b" + bytes(99)])
def test_a_foreign_file_is_one_line(content, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"^zip: expected a zip archive.*received .*a\.zip") as error:
        Archive(path, "zip")
    assert "\n" not in str(error.value)


def test_a_download_that_stopped_is_called_one(tmp_path):
    whole = make_zip(tmp_path / "whole.zip", [GOOD, Member("more", os.urandom(5000))]).read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="a download that stopped"):
        Archive(tmp_path / "a.zip", "zip")


def test_what_is_no_file_is_one_line(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none.zip", tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UserError, match="expected a zip archive"):
            Archive(path, "zip")


def test_a_directory_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_DIRECTORY_BYTES", 100)
    path = make_zip(tmp_path / "a.zip", [GOOD, Member("b"), Member("c")])
    monkeypatch.setattr(module, "ZipFile", lambda path: pytest.fail("the directory was read"))
    with pytest.raises(UserError, match="whose directory has at most"):
        Archive(path, "zip")


def test_any_damage_is_one_line_or_a_left_out_or_damaged_member(tmp_path):
    """Bytes are changed at random, most of them in the directory."""
    whole = make_zip(tmp_path / "whole.zip", [GOOD, Member("b/c", b"12" * 50, 0), Member("d")]).read_bytes()
    draw, directory = random.Random(7), whole.index(b"PK\1\2")
    path = tmp_path / "a.zip"
    for _ in range(1500):
        broken = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            broken[draw.randrange(draw.choice((0, directory, directory)), len(whole))] = draw.choice(
                (0, 1, 255, draw.randrange(256))
            )
        path.write_bytes(broken)
        try:
            opened = Archive(path, "zip")
        except UserError:
            continue
        for name, info in opened.members.items():
            assert is_safe_name(name)
            try:
                with opened.open(name) as stream:
                    assert len(stream.read()) == info.file_size
            except BadMember:
                pass


def test_it_is_read_from_threads_forks_and_copies(tmp_path):
    members = [Member(str(place), os.urandom(5000), 8 * (place % 2)) for place in range(40)]
    opened = Archive(make_zip(tmp_path / "a.zip", members), "zip")

    def wrong() -> list[str]:
        return [member.name for member in members * 5 if opened.open(member.name).read() != member.data]

    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(wrong())) for _ in range(4)]
    child = os.fork()
    if child == 0:
        os._exit(bool(wrong()))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[]] * 4
    assert os.waitpid(child, 0)[1] == 0
    assert pickle.loads(pickle.dumps(opened)).open("3").read() == members[3].data


def test_an_archive_of_python_s_own_with_a_comment_and_something_before_it(tmp_path):
    stream = io.BytesIO()
    with ZipFile(stream, "w") as made:
        made.writestr("a/b.txt", "text")
        made.comment = b"made by hand"
    (tmp_path / "a.zip").write_bytes(b"#!/bin/sh\n" + stream.getvalue())
    assert Archive(tmp_path / "a.zip", "zip").open("a/b.txt").read() == b"text"
