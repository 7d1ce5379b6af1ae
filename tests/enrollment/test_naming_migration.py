"""People of earlier releases are found without accents too, and their names are written in one way."""

from __future__ import annotations

import unicodedata
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from enrollment import selectors
from enrollment.models import Person

fold_names = import_module("enrollment.migrations.0019_fold_names")


@pytest.mark.django_db
class TestFoldNames:
    def test_reaches_everybody_in_batches(self, monkeypatch):
        monkeypatch.setattr(fold_names, "CHUNK", 2)
        people = [Person(name=unicodedata.normalize("NFD", f"Zoë {number}")) for number in range(5)]
        Person.objects.bulk_create(people)
        Person.objects.update(folded="")
        assert not selectors.search_people("zoe").exists()
        fold_names.fold_names(apps, SimpleNamespace(connection=connection))
        assert [person.name for person in selectors.search_people("zoe")] == [f"Zoë {number}" for number in range(5)]
