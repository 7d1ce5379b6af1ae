"""Which key opens which crop and embedding, through merges too."""

from __future__ import annotations

import pytest

from enrollment import services
from enrollment.hygiene.actions import merge_people, undo_action
from enrollment.models import FaceTemplate, Person, PersonKey
from enrollment.sealed import CROPS, EMBEDDINGS, CropUnreadable, is_unreadable, read_crop, unreadable_people
from enrollment.selectors import embeddings_of
from tests.enrollment.conftest import CONTRACT, unit_vector

pytestmark = pytest.mark.django_db


def keys_of(sample) -> set[int]:
    templates = sample.templates.values_list("embedding", flat=True)
    return CROPS.key_ids([sample.crop]) | EMBEDDINGS.key_ids(templates)


class TestKeys:
    def test_each_person_has_one_for_all_samples(self, enroll):
        ada, bob = enroll("Ada", 1, 2), enroll("Bob", 3)
        services_key = [{key for sample in person.samples.all() for key in keys_of(sample)} for person in (ada, bob)]
        assert services_key == [{ada.key.pk}, {bob.key.pk}]

    def test_a_merged_sample_keeps_the_key_that_it_was_enrolled_with(self, enroll, make_draft):
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        action = merge_people(actor=None, keep=ada, merge=bob, contract_id=CONTRACT)
        sample = ada.samples.get(merged_from=bob)
        vector = unit_vector(9, 16)
        services.store_templates(actor=None, contract_id="rebuilt:16", embeddings={sample.pk: vector})
        again = make_draft(2, contract_id="seen-again:16", embedding=vector)
        services.add_samples(actor=None, person=ada, samples=[again], despite_duplicate=True)
        assert sample.templates.count() == 3
        assert keys_of(sample) == {bob.key.pk}
        assert len(embeddings_of(ada, CONTRACT)) == 2
        undo_action(actor=None, action=action)
        assert len(embeddings_of(bob, CONTRACT)) == 1

    def test_erasing_a_person_erases_the_key(self, enroll):
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        services.erase_people(actor=None, people=[ada])
        assert list(PersonKey.objects.all()) == [bob.key]


class TestWithoutTheKey:
    def test_nothing_can_be_read_and_that_is_known(self, enroll):
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        PersonKey.objects.filter(person=ada).delete()
        with pytest.raises(CropUnreadable):
            read_crop(ada.samples.get())
        assert embeddings_of(ada, CONTRACT) == []
        assert (is_unreadable(ada), is_unreadable(bob)) == (True, False)
        assert unreadable_people() == [ada]

    def test_somebody_without_pictures_or_with_plain_ones_is_not_unreadable(self, enroll):
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        ada.samples.all().delete()
        bob.samples.update(crop=b"\x89PNG in plain")
        PersonKey.objects.all().delete()
        assert unreadable_people() == []

    def test_people_without_pictures_are_not_looked_at_one_by_one(self, django_assert_num_queries):
        Person.objects.bulk_create(Person(name=f"Imported {number}") for number in range(5))
        with django_assert_num_queries(1):
            assert unreadable_people() == []


class TestTemplates:
    def test_are_checked_for_their_length_sealed_or_plain(self, enroll):
        template = enroll("Ada", 1).samples.get().templates.get()
        template.full_clean()
        template.embedding = bytes(template.embedding)[:-1]
        with pytest.raises(Exception, match="sealed or plain"):
            template.full_clean()
        assert FaceTemplate.objects.count() == 1
