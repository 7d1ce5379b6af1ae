"""What `make run` does before it serves."""

from __future__ import annotations

import re
from io import StringIO
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from facesite.management.commands import prepare
from security.sign_in.checking import OneTimePasswordUsed, check_password


def said_by(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=out)
    return out.getvalue()


def find_password(said: str) -> str:
    found = re.search(r"One-time password: (\S+)", said)
    assert found
    return found.group(1)


@pytest.mark.django_db
class TestCreateFirstOperator:
    def test_prints_a_password_that_works(self):
        said = said_by("create_first_operator")
        password = find_password(said)
        operator = User.objects.get(username="operator")
        assert operator.is_superuser
        assert operator.check_password(password)
        assert "/account/" in said

    def test_its_password_works_once(self):
        password = find_password(said_by("create_first_operator"))
        assert check_password(name="operator", password=password, address="192.0.2.7")
        with pytest.raises(OneTimePasswordUsed):
            check_password(name="operator", password=password, address="192.0.2.7")

    def test_prints_another_one_for_an_operator_who_lost_it(self):
        first = find_password(said_by("create_first_operator"))
        again = find_password(said_by("create_first_operator", "--again"))
        assert again != first
        assert check_password(name="operator", password=again, address="192.0.2.7")

    def test_does_so_for_any_operator_by_name(self, operator):
        said = said_by("create_first_operator", "--again", "olivia")
        assert "Operator name:     olivia" in said
        assert check_password(name="olivia", password=find_password(said), address="192.0.2.7") == operator

    def test_refuses_a_name_that_nobody_has(self, operator):
        with pytest.raises(CommandError, match="no operator named 'nobody'"):
            said_by("create_first_operator", "--again", "nobody")

    def test_says_what_to_do_when_the_only_operator_used_it_and_chose_none(self):
        password = find_password(said_by("create_first_operator"))
        assert said_by("create_first_operator") == ""
        check_password(name="operator", password=password, address="192.0.2.7")
        assert "create_first_operator --again operator" in said_by("create_first_operator")

    def test_does_nothing_when_somebody_can_log_in(self, operator):
        assert said_by("create_first_operator") == ""
        assert User.objects.get() == operator


class TestKeepDatabasePrivate:
    def test_closes_the_files_of_an_older_version_to_other_users(self, tmp_path, monkeypatch):
        files = [tmp_path / "site.sqlite3", tmp_path / "site.sqlite3-wal"]
        for file in files:
            file.touch()
            file.chmod(0o644)
        database = SimpleNamespace(vendor="sqlite", settings_dict={"NAME": str(files[0])})
        monkeypatch.setattr(prepare, "connection", database)
        prepare.keep_database_private()
        assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]


class TestMissingPack:
    def test_is_none_when_one_is_installed(self, models_dir):
        assert not prepare.missing_packs()

    def test_is_the_one_that_the_site_chose(self, settings, tmp_path):
        settings.FACESITE_MODELS_DIR = tmp_path
        settings.FACESITE_MODEL_PACK = "sface"
        assert prepare.missing_packs() == ("sface",)


@pytest.mark.django_db
class TestInstallingThePack:
    @pytest.fixture
    def offline(self, settings, tmp_path):
        """No pack, and a mirror that has none either."""
        (tmp_path / "mirror").mkdir()
        (tmp_path / "models").mkdir()
        settings.FACESITE_MODELS_DIR = tmp_path / "models"
        settings.FACESITE_MODELS_MIRROR = str(tmp_path / "mirror")
        settings.FACESITE_MODEL_PACK = "edgeface-xs"  # has no published address: nothing is fetched

    def prepare(self) -> str:
        said = StringIO()
        prepare.Command(stdout=said, stderr=said).install_pack()
        return said.getvalue()

    def test_that_fails_is_told_and_the_server_starts_all_the_same(self, offline):
        said = self.prepare()
        assert "The server starts" in said
        assert "Later: manage.py packs install edgeface-xs" in said

    def test_that_cannot_be_fetched_is_replaced_by_one_from_elsewhere(self, offline, settings, monkeypatch):
        settings.FACESITE_MODEL_PACK = None
        asked = []

        def install(command: str, action: str, name: str) -> None:
            asked.append(name)
            if name == "mobile":
                raise CommandError("No network.")

        monkeypatch.setattr(prepare, "call_command", install)
        assert self.prepare() == "No network.\nSo sface was installed instead.\n"
        assert asked == ["mobile", "sface"]

    def test_that_failed_today_is_told_without_another_try(self, offline, monkeypatch):
        said = self.prepare()
        monkeypatch.setattr(prepare, "call_command", lambda *arguments: pytest.fail("tried again"))
        assert self.prepare() == said

    def test_is_tried_again_with_another_mirror(self, offline, settings, shared_models):
        self.prepare()
        settings.FACESITE_MODELS_MIRROR = str(shared_models)
        assert "The server starts" not in self.prepare()
        assert not prepare.missing_packs()
