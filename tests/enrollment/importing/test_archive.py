"""What is in a ZIP, and what is not read of it."""

from __future__ import annotations

import io
import zipfile

import pytest

from enrollment.importing import archive as archives
from enrollment.importing.archive import Archive, MemberUnreadable
from enrollment.importing.reasons import ImportReason, ImportRefused
from tests.enrollment.importing.zips import said_otherwise, with_link, with_long_list, zipped

MEGABYTE = 1024 * 1024
PICTURE = b"\xff\xd8 a picture, as far as a ZIP can tell"


def opened(data: bytes, most_unpacked: int = 100 * MEGABYTE) -> Archive:
    return Archive(io.BytesIO(data), most_unpacked=most_unpacked)


def codes(found: Archive) -> dict[str, str]:
    """path -> why it is not looked at."""
    every = [*found.loose, *(member for members in found.folders.values() for member in members)]
    return {"/".join(member.parts): member.code for member in every}


class TestFolders:
    @pytest.mark.parametrize("root", ["", "people/", "Our staff/"])
    def test_are_people_wherever_they_were_packed(self, root):
        data = zipped({f"{root}Ada/1.jpg": PICTURE, f"{root}Ada/2.PNG": PICTURE, f"{root}Bob_Roe/x.webp": PICTURE})
        assert {name: len(members) for name, members in opened(data).folders.items()} == {"Ada": 2, "Bob_Roe": 1}

    def test_litter_of_systems_is_ignored_and_the_rest_is_named(self):
        data = zipped(
            {
                "__MACOSX/Ada/._1.jpg": b"",
                "Ada/@eaDir/1.jpg": b"",
                "Ada/.DS_Store": b"",
                "Ada/Thumbs.db": b"",
                "Ada/1.jpg": PICTURE,
                "Ada/notes.txt": b"",
                "Ada/old/2.jpg": PICTURE,
                "beside.jpg": PICTURE,
                "Nobody/": b"",
            }
        )
        found = opened(data)
        assert codes(found) == {
            "Ada/1.jpg": "",
            "Ada/notes.txt": "not_a_picture",
            "Ada/old/2.jpg": "folder_inside",
            "beside.jpg": "",
        }
        assert found.folders["Nobody"] == []

    def test_names_of_macos_and_of_old_windows_are_read(self):
        """macOS writes UTF-8 without saying so, and takes letters apart; old Windows parts folders with \\."""
        found = opened(said_otherwise(zipped({"Zoe\u0308 Möller/1.jpg": PICTURE, "Bob\\1.jpg": PICTURE}), flags=0))
        assert set(found.folders) == {"Zoë Möller", "Bob"}

    def test_a_picture_is_read_out_of_it(self):
        (member,) = opened(data := zipped({"Ada/1.jpg": PICTURE})).folders["Ada"]
        assert opened(data).read(member) == PICTURE


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (zipped({"../etc/1.jpg": PICTURE}), ImportReason.FILE_OUTSIDE),
        (zipped({"Ada/../../1.jpg": PICTURE}), ImportReason.FILE_OUTSIDE),
        (zipped({"/etc/1.jpg": PICTURE}), ImportReason.FILE_OUTSIDE),
        (zipped({"C:\\Ada\\1.jpg": PICTURE}), ImportReason.FILE_OUTSIDE),
        (with_link("Ada/1.jpg", "/etc/passwd"), ImportReason.FILE_IS_LINK),
        (said_otherwise(zipped({"Ada/1.jpg": PICTURE}), flags=1), ImportReason.FILE_ENCRYPTED),
        (zipped({"Ada/1.jpg": PICTURE}, compression=zipfile.ZIP_LZMA), ImportReason.FILE_PACKED_OTHERWISE),
        (said_otherwise(zipped({"Ada/1.jpg": PICTURE}), method=9), ImportReason.FILE_PACKED_OTHERWISE),
        (zipped({"Ada/1.jpg": bytes(2 * MEGABYTE)}), ImportReason.FILE_INFLATES),
        (zipped({"Ada/1.jpg": bytes(21 * MEGABYTE)}, compression=zipfile.ZIP_STORED), "frame_too_large"),
    ],
)
def test_a_file_is_not_read_and_it_is_said_why(data, code):
    assert list(codes(opened(data)).values()) == [code]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ImportReason.ZIP_INVALID),
        (b"name;external_id\nAda;1\n", ImportReason.ZIP_INVALID),
        (zipped({"Ada/1.jpg": PICTURE})[:-30], ImportReason.ZIP_INVALID),
        (with_long_list(), ImportReason.ZIP_CROWDED),
        (zipped({f"Ada/{number}.jpg": bytes(9 * MEGABYTE) for number in range(12)}), ImportReason.ZIP_INFLATES),
    ],
)
def test_an_archive_is_refused_before_any_of_it_is_read(data, code):
    with pytest.raises(ImportRefused) as refused:
        opened(data)
    assert refused.value.code == code


def test_more_files_than_are_read_at_a_time_are_refused(monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    with pytest.raises(ImportRefused) as refused:
        opened(zipped({f"Ada/{number}.jpg": PICTURE for number in range(3)}))
    assert refused.value.code == ImportReason.ZIP_CROWDED


def test_a_damaged_file_costs_only_itself():
    data = bytearray(zipped({"Ada/1.jpg": PICTURE * 9, "Ada/2.jpg": PICTURE}))
    at = data.find(b"Ada/1.jpg") + 12
    data[at : at + 8] = b"\xff" * 8
    found = opened(bytes(data))
    first, second = found.folders["Ada"]
    with pytest.raises(MemberUnreadable):
        found.read(first)
    assert found.read(second) == PICTURE
