"""The strict readers: what they take, and the sentence that names what they refuse."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from facesite import env
from facesite.env import SettingsError

BASE = Path("/")


def sentence(read, *args, **kwargs) -> str:
    with pytest.raises(SettingsError) as refused:
        read(*args, **kwargs)
    return str(refused.value)


@pytest.fixture
def variable(monkeypatch):
    """variable(NAME, value) sets one for this test."""
    return monkeypatch.setenv


class TestReadBool:
    @pytest.mark.parametrize(
        ("text", "value"), [("on", True), ("False", False), ("1", True), ("no", False), ("", True)]
    )
    def test_takes_on_and_off_in_their_usual_spellings(self, variable, text, value):
        variable("X", text)
        assert env.read_bool("X", default=True) is value

    def test_names_the_variable_and_what_it_takes(self, variable):
        variable("DEBUG", "maybe")
        assert sentence(env.read_bool, "DEBUG", default=False) == "DEBUG must be on or off, not 'maybe'."


class TestReadInt:
    def test_takes_a_number_within_its_bounds(self, variable):
        variable("X", "256")
        assert env.read_int("X", default=2, least=1, most=256) == 256

    @pytest.mark.parametrize("text", ["0", "257", "-1", "2.5", "two", "1e3"])
    def test_refuses_everything_else(self, variable, text):
        variable("X", text)
        said = sentence(env.read_int, "X", default=2, least=1, most=256)
        assert said == f"X must be a whole number from 1 to 256, not '{text}'."


class TestReadChoice:
    def test_unset_is_none(self, variable):
        variable("X", "")
        assert env.read_choice("X", ["a", "b"]) is None

    def test_lists_the_choices(self, variable):
        variable("X", "c")
        assert sentence(env.read_choice, "X", ["a", "b", "d"]) == "X must be a, b or d, not 'c'."


class TestReadZone:
    def test_an_unset_one_is_the_machines(self, variable):
        variable("X", "")
        assert env.read_zone("X", default="Europe/Berlin") == "Europe/Berlin"

    def test_a_named_one_counts(self, variable):
        variable("X", " Asia/Kathmandu ")
        assert env.read_zone("X", default="UTC") == "Asia/Kathmandu"

    @pytest.mark.parametrize("zone", ["Berlin", "Europe/Berlim", "../etc/passwd", "/etc/localtime", "+02:00", "Europe"])
    def test_another_word_is_refused(self, variable, zone):
        variable("X", zone)
        assert sentence(env.read_zone, "X", default="UTC") == (
            f"X must name a time zone such as Europe/Berlin or UTC, not '{zone}'."
        )


class TestReadOrigins:
    def test_drops_a_slash_at_the_end(self, variable):
        variable("X", "https://faces.example.org/")
        assert env.read_origins("X") == ["https://faces.example.org"]

    @pytest.mark.parametrize(
        "origin",
        [
            "faces.example.org",
            "https://",
            "https://[a",
            "https://a b",
            "https://a.example/path",
            "https://a.example?x=1",
        ],
    )
    def test_wants_scheme_and_host_only(self, variable, origin):
        variable("X", origin)
        assert origin in sentence(env.read_origins, "X")


class TestReadSecret:
    @pytest.fixture
    def file(self, tmp_path, monkeypatch) -> Path:
        path = tmp_path / "secret"
        monkeypatch.delenv("A_SECRET", raising=False)
        monkeypatch.setenv("A_SECRET_FILE", str(path))
        return path

    def test_is_the_variable_where_no_file_is_named(self, monkeypatch):
        monkeypatch.delenv("A_SECRET_FILE", raising=False)
        monkeypatch.setenv("A_SECRET", "of the variable")
        assert env.read_secret("A_SECRET") == "of the variable"

    def test_is_what_the_file_holds_without_its_line_end(self, file):
        file.write_text("of the file\n")
        assert env.read_secret("A_SECRET") == "of the file"

    def test_both_is_a_sentence_that_names_them(self, file, monkeypatch):
        monkeypatch.setenv("A_SECRET", "x")
        with pytest.raises(SettingsError, match="A_SECRET and A_SECRET_FILE are both set"):
            env.read_secret("A_SECRET")

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            pytest.param(None, "cannot be read: No such file", id="missing"),
            pytest.param(b" \n", "is empty", id="empty"),
            pytest.param(b"hidden" * 100_000, "is too large for a secret", id="huge"),
            pytest.param(b"hidden \xff", "text file in UTF-8", id="no text"),
        ],
    )
    def test_what_is_no_secret_is_a_sentence_with_the_path_and_without_the_content(self, file, content, sentence):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(SettingsError, match=sentence) as refusal:
            env.read_secret("A_SECRET")
        assert str(file) in str(refusal.value)
        assert "hidden" not in str(refusal.value)


class TestReadSecretKey:
    def test_without_one_the_start_stops(self, monkeypatch):
        monkeypatch.delenv("SECRET_KEY")
        assert sentence(env.read_secret_key, debug=False).startswith("SECRET_KEY is not set: ")

    def test_an_empty_one_is_none(self, variable):
        variable("SECRET_KEY", " ")
        assert sentence(env.read_secret_key, debug=True).startswith("SECRET_KEY is not set: ")

    def test_with_debug_on_a_fixed_one_will_do(self, monkeypatch):
        monkeypatch.delenv("SECRET_KEY")
        assert env.read_secret_key(debug=True)


class TestEnsureSecretKey:
    def test_writes_one_that_the_next_start_reads(self, monkeypatch, tmp_path):
        file = tmp_path / ".env"
        file.write_text("FACESITE_TEST_ONE=1")
        monkeypatch.delenv("SECRET_KEY")
        monkeypatch.delenv("FACESITE_TEST_ONE", raising=False)
        assert env.ensure_secret_key(file) is True
        written = env.read_text("SECRET_KEY")
        monkeypatch.delenv("SECRET_KEY")
        assert env.ensure_secret_key(file) is False
        assert env.read_text("SECRET_KEY") == written
        assert len(written) >= 50
        assert env.read_text("FACESITE_TEST_ONE") == "1"
        monkeypatch.delenv("FACESITE_TEST_ONE")

    def test_only_its_owner_can_read_the_file(self, monkeypatch, tmp_path):
        monkeypatch.delenv("SECRET_KEY")
        env.ensure_secret_key(tmp_path / ".env")
        assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600

    def test_leaves_everything_alone_when_the_environment_has_one(self, tmp_path):
        assert env.ensure_secret_key(tmp_path / ".env") is False
        assert not (tmp_path / ".env").exists()


class TestReadFolder:
    def test_a_relative_one_counts_from_the_project(self, variable, tmp_path):
        variable("X", "packs")
        assert env.read_folder("X", default=BASE, base=tmp_path) == tmp_path / "packs"

    def test_a_file_is_refused(self, variable, tmp_path):
        (tmp_path / "packs").write_text("")
        variable("X", "packs")
        assert sentence(env.read_folder, "X", default=BASE, base=tmp_path) == (
            f"X must be a folder, but {tmp_path}/packs is a file."
        )

    def test_a_folder_in_a_file_is_refused(self, variable, tmp_path):
        (tmp_path / "file").write_text("")
        variable("X", "file/packs")
        said = sentence(env.read_folder, "X", default=BASE, base=tmp_path)
        assert said == f"X must be a folder, but {tmp_path}/file is a file."

    @pytest.mark.parametrize("raw", ["~nobody-of-this-name/packs", "x" * 300])
    def test_what_cannot_be_looked_at_is_refused(self, variable, raw):
        variable("X", raw)
        for reader in (env.read_folder_or_url, partial(env.read_folder, default=BASE)):
            said = sentence(reader, "X", base=BASE)
            assert said.startswith("X cannot be used: ")
            assert said.endswith(f"({raw[:100]}).")


class TestReadFolderOrUrl:
    def test_keeps_an_address(self, variable):
        variable("X", "https://mirror.example.org/packs")
        assert env.read_folder_or_url("X", base=BASE) == "https://mirror.example.org/packs"

    def test_makes_a_folder_absolute(self, variable, tmp_path):
        variable("X", "../shared/models")
        assert env.read_folder_or_url("X", base=tmp_path) == str(tmp_path.parent / "shared" / "models")

    @pytest.mark.parametrize("raw", ["ftp://mirror.example.org", "file:///srv/packs", "http://", "http://[x/packs"])
    def test_refuses_what_nothing_can_be_fetched_from(self, variable, raw):
        variable("X", raw)
        assert "X must be a folder or an http(s) address" in sentence(env.read_folder_or_url, "X", base=BASE)


class TestReadRedisUrl:
    def test_refuses_what_is_no_redis_address_without_showing_the_password(self, variable):
        variable("X", "http://user:secret@host")
        assert sentence(env.read_redis_url, "X") == "X must look like redis://host:6379/0, not 'http://user:***@host'."

    @pytest.mark.parametrize("raw", ["redis://[x", "redis://host:port/0", "redis://host:99999", "redis://host/faces"])
    def test_refuses_a_port_or_a_database_that_is_none(self, variable, raw):
        variable("X", raw)
        assert sentence(env.read_redis_url, "X") == f"X must look like redis://host:6379/0, not '{raw}'."

    @pytest.mark.parametrize(
        "raw",
        ["redis://host", "redis://:secret@host:6379/1", "rediss://host/0?ssl_cert_reqs=none", "unix:///run/redis.sock"],
    )
    def test_takes_what_redis_takes(self, variable, raw):
        variable("X", raw)
        assert env.read_redis_url("X") == raw


class TestReadPack:
    def test_takes_one_that_the_manifest_knows(self, variable, tmp_path):
        variable("X", "mobile")
        assert env.read_pack("X", tmp_path) == "mobile"

    def test_names_the_known_ones_otherwise(self, variable, tmp_path):
        variable("X", "nonsense")
        said = sentence(env.read_pack, "X", tmp_path)
        assert said.startswith("X cannot be used: ")
        assert "mobile" in said


class TestReadDatabase:
    def read(self, base: Path = BASE) -> dict:
        return env.read_database("X", default="sqlite:///db.sqlite3", base=base)

    def test_three_slashes_are_relative_to_the_project(self, variable, tmp_path):
        variable("X", "sqlite:///faces.sqlite3")
        assert self.read(tmp_path)["NAME"] == f"{tmp_path}/faces.sqlite3"

    def test_four_slashes_are_absolute(self, variable, tmp_path):
        variable("X", f"sqlite:///{tmp_path}/faces.sqlite3")
        assert self.read()["NAME"] == f"{tmp_path}/faces.sqlite3"

    def test_mysql_with_escaped_characters_in_the_password(self, variable):
        pytest.importorskip("MySQLdb", reason="mysql: no driver")
        variable("X", "mysql://faces:p%40ss%2Fword@db.example.org:3307/faces")
        read = self.read()
        assert (read["USER"], read["PASSWORD"], read["HOST"], read["PORT"], read["NAME"]) == (
            "faces",
            "p@ss/word",
            "db.example.org",
            "3307",
            "faces",
        )

    def test_mysql_over_tls(self, variable):
        pytest.importorskip("MySQLdb", reason="mysql: no driver")
        variable("X", "mysql://faces:x@db/faces?ssl_ca=/etc/ca.pem")
        assert self.read()["OPTIONS"] == {"ssl": {"ca": "/etc/ca.pem"}}

    def test_mysql_without_its_driver_says_what_to_install(self, variable, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        variable("X", "mysql://faces:x@db/faces")
        assert "default-libmysqlclient-dev" in sentence(self.read)

    @pytest.mark.parametrize(
        "url",
        [
            "postgres://faces:x@db/faces",
            "faces.sqlite3",
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite:////nowhere/at/all.sqlite3",
            "sqlite:///~nobody-of-this-name/faces.sqlite3",
            f"sqlite:///{'x' * 300}",
            "mysql://db/faces",
            "mysql://faces@db",
            "mysql://faces@db:port/faces",
            "mysql://faces@db/faces?charset=latin1",
        ],
    )
    def test_refuses_everything_else_in_one_sentence(self, variable, url):
        variable("X", url)
        said = sentence(self.read)
        assert said.startswith("X ")
        assert said.endswith(".")
        assert "\n" not in said

    def test_never_shows_a_password(self, variable):
        variable("X", "postgres://faces:top-secret@db/faces")
        assert "top-secret" not in sentence(self.read)


class TestReadDataKey:
    KEY = "dGVzdHMtb25seS0wMTIzNDU2Nzg5LWFiY2RlZmdoaWo="

    @pytest.mark.parametrize("text", ["", KEY, f"{KEY},{KEY}"])
    def test_takes_none_one_or_several(self, variable, text):
        variable("X", text)
        assert env.read_data_key("X") == text

    @pytest.mark.parametrize("text", ["short", "c2hvcnQ=", KEY[:-4], f"{KEY},x"])
    def test_refuses_everything_else_without_repeating_it(self, variable, text):
        variable("X", text)
        said = sentence(env.read_data_key, "X")
        assert said.startswith("X must be 32 bytes in base64")
        assert text not in said

    def test_refuses_a_file_beside_it(self, variable):
        variable("X", self.KEY)
        variable("X_FILE", "key")
        assert sentence(env.read_data_key, "X") == "X and X_FILE are both set: keep one of them."


class TestReadFile:
    def test_takes_a_file_that_does_not_exist_yet(self, variable, tmp_path):
        variable("X", "key")
        assert env.read_file("X", default=BASE, base=tmp_path) == tmp_path / "key"

    def test_refuses_a_folder_and_what_lies_nowhere(self, variable, tmp_path):
        variable("X", ".")
        assert "is a folder" in sentence(env.read_file, "X", default=BASE, base=tmp_path)
        variable("X", "nowhere/key")
        assert "does not exist" in sentence(env.read_file, "X", default=BASE, base=tmp_path)
