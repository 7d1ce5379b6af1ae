from __future__ import annotations

from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from enrollment import selectors, services, thumbnails
from enrollment.errors import PersonUnknown, SampleUnknown
from enrollment.hygiene import actions as hygiene
from enrollment.sealed import read_crop
from tests.enrollment.conftest import CONTRACT, unit_vector
from tests.support.ids import NOBODY

pytestmark = pytest.mark.django_db


class TestSearchPeople:
    @pytest.mark.parametrize("typed", ["ZOE", "möller", "Zoe\u0308 Mo\u0308ller", "ИОХАН", "ёлкин x-é1"])
    def test_ignores_case_and_accents_of_every_script(self, enroll, typed):
        enroll("Zoë Möller Йохан Елкин", 1, external_id="X-É1")
        assert selectors.search_people(typed).exists()

    def test_counts_samples_and_names_a_cover(self, enroll):
        enroll("Ada", 1, 2)
        person: Any = selectors.search_people().get()  # with what the query counts
        assert person.sample_count == 2
        assert person.cover_id in person.samples.values_list("pk", flat=True)

    def test_lists_people_without_samples_too(self, enroll):
        ada = enroll("Ada", 1)
        services.remove_sample(actor=None, sample=ada.samples.get())
        person: Any = selectors.search_people().get()  # with what the query counts
        assert (person.sample_count, person.cover_id) == (0, None)

    def test_prefers_a_cover_that_was_not_set_aside(self, enroll):
        ada = enroll("Ada", 1, 2)
        first, second = ada.samples.all()
        services.set_aside(actor=None, sample=first, aside=True)
        person: Any = selectors.search_people().get()
        assert person.cover_id == second.pk

    def test_prefers_the_chosen_portrait_until_it_is_set_aside_removed_or_given_away(self, enroll):
        ada = enroll("Ada", 1, 2, 3)

        def cover() -> int:
            person: Any = selectors.search_people().get(pk=ada.pk)
            assert selectors.cover_of(person).pk == person.cover_id
            among = selectors.portrait_among(person, list(person.samples.all()))
            assert among
            assert among.pk == person.cover_id
            return person.cover_id

        first, _, third = ada.samples.all()
        assert cover() == first.pk
        assert services.choose_portrait(actor=None, sample=third)
        assert not services.choose_portrait(actor=None, sample=third)
        assert cover() == third.pk
        services.set_aside(actor=None, sample=third, aside=True)
        assert cover() == first.pk
        services.set_aside(actor=None, sample=third, aside=False)
        assert cover() == third.pk
        keep = enroll("Ada again", 4)
        merged = hygiene.merge_people(actor=None, keep=keep, merge=ada, contract_id=CONTRACT)
        own: Any = selectors.search_people().get(pk=keep.pk)
        assert own.cover_id == first.pk  # the choice was about the record that has no samples now
        hygiene.undo_action(actor=None, action=merged)
        assert cover() == third.pk
        services.remove_sample(actor=None, sample=third)
        assert cover() == first.pk

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("", ["Ada Lovelace", "Grace Hopper"]),
            ("lovelace", ["Ada Lovelace"]),
            ("ada love", ["Ada Lovelace"]),
            ("grace love", []),
            ("X-17", ["Grace Hopper"]),
            ("%", []),
            ("GRÄCE", ["Grace Hopper"]),
        ],
    )
    def test_finds_words_in_names_and_external_ids(self, enroll, text, names):
        enroll("Ada Lovelace", 1)
        enroll("Grace Hopper", 2, external_id="x-17")
        assert [person.name for person in selectors.search_people(text)] == names

    def test_can_leave_out_the_inactive(self, enroll):
        services.set_active(actor=None, people=[enroll("Ada", 1)], active=False)
        assert not selectors.search_people(only_active=True).exists()

    def test_needs_three_queries_for_a_page_with_pictures(self, enroll, django_assert_num_queries):
        for number in range(6):
            enroll(f"Person {number}", number)
        with django_assert_num_queries(3):
            people = list(selectors.search_people())
            covers = selectors.cover_thumbnails(people)
        assert set(covers) == {person.pk for person in people}
        assert all(url.startswith("data:image/jpeg;base64,/9j/") for url in covers.values())


class TestPersonByUuid:
    def test_finds_them_by_text_or_uuid(self, enroll):
        ada = enroll("Ada", 1)
        assert selectors.person_by_uuid(ada.uuid) == selectors.person_by_uuid(str(ada.uuid)) == ada

    @pytest.mark.parametrize("uuid", [NOBODY, "nobody", ""])
    def test_says_when_there_is_nobody(self, uuid):
        with pytest.raises(PersonUnknown):
            selectors.person_by_uuid(uuid)


class TestSampleByUuid:
    def test_brings_the_person_along(self, enroll, django_assert_num_queries):
        stored = enroll("Ada", 1).samples.get()
        with django_assert_num_queries(1):
            assert selectors.sample_by_uuid(str(stored.uuid)).person.name == "Ada"

    @pytest.mark.parametrize("uuid", [NOBODY, "nothing"])
    def test_says_when_there_is_none(self, uuid):
        with pytest.raises(SampleUnknown):
            selectors.sample_by_uuid(uuid)


class TestPeopleByUuid:
    def test_leaves_unknown_ones_out(self, enroll):
        ada = enroll("Ada", 1)
        assert selectors.people_by_uuid([str(ada.uuid), uuid4()]) == {str(ada.uuid): ada}


class TestSamplesOf:
    def test_tells_which_samples_a_pack_searches(self, enroll, make_draft):
        ada = enroll("Ada", 1)
        services.add_samples(
            actor=None, person=ada, samples=[make_draft(2, contract_id="another")], despite_duplicate=True
        )
        samples: list[Any] = list(selectors.samples_of(ada, contract_id=CONTRACT))
        assert [sample.template_id is not None for sample in samples] == [True, False]

    def test_are_the_persons_own(self, enroll):
        ada, _ = enroll("Ada", 1), enroll("Grace", 2)
        assert list(selectors.samples_of(ada)) == list(ada.samples.all())


class TestEmbeddingsOf:
    def test_leaves_out_other_spaces_and_what_was_set_aside(self, enroll):
        ada = enroll("Ada", 1, 2)
        services.set_aside(actor=None, sample=ada.samples.first(), aside=True)
        (vector,) = selectors.embeddings_of(ada, CONTRACT)
        assert np.array_equal(vector, unit_vector(2))
        assert selectors.embeddings_of(ada, "another") == []


class TestGalleryCounts:
    def test_counts(self, enroll):
        services.set_active(actor=None, people=[enroll("Ada", 1, 2)], active=False)
        enroll("Grace", 3)
        counts = selectors.gallery_counts()
        assert (counts.people, counts.active_people, counts.samples, counts.templates) == (2, 1, 3, 3)
        assert counts.revision == 3

    def test_are_zero_in_an_empty_database(self):
        assert selectors.gallery_counts() == selectors.GalleryCounts(0, 0, 0, 0, 0)


class TestThumbnailBytes:
    def test_is_a_small_jpeg(self, enroll):
        crop = read_crop(enroll("Ada", 1).samples.get())
        jpeg = thumbnails.thumbnail_bytes(crop, 56)
        assert jpeg.startswith(b"\xff\xd8")
        assert len(jpeg) < len(crop)


class TestMerges:
    def merge(self, keep, other) -> None:
        hygiene.merge_people(actor=None, keep=keep, merge=other, contract_id=CONTRACT)

    def test_a_chain_ends_at_the_record_with_the_samples(self, enroll):
        ada, again, third = enroll("Ada", 1), enroll("Ada again", 2), enroll("Ada thrice", 3)
        self.merge(again, third)
        self.merge(ada, again)
        assert selectors.merged_records() == {third.uuid: again.uuid, again.uuid: ada.uuid}
        assert selectors.with_merged([ada]) == [ada, again, third]
        assert selectors.merged_into(third) == again

    def test_there_and_back_is_no_circle(self, enroll):
        """Merged, activated again by hand, and merged the other way."""
        ada, again = enroll("Ada", 1), enroll("Ada again", 2)
        self.merge(ada, again)
        services.set_active(actor=None, people=[again], active=True)
        self.merge(again, ada)
        assert selectors.merged_records() == {ada.uuid: again.uuid}
        assert (selectors.merged_into(ada), selectors.merged_into(again)) == (again, None)
        assert set(selectors.with_merged([ada])) == {ada, again}

    def test_an_undone_one_counts_no_more(self, enroll):
        ada, again = enroll("Ada", 1), enroll("Ada again", 2)
        action = hygiene.merge_people(actor=None, keep=ada, merge=again, contract_id=CONTRACT)
        hygiene.undo_action(actor=None, action=action)
        assert selectors.merged_records() == {}
        assert selectors.with_merged([ada]) == [ada]
