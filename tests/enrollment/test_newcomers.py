from __future__ import annotations

from typing import Any

import pytest

from enrollment.consent.records import NO_CONSENT
from enrollment.errors import NameInvalid, NoSamples, PackChanged
from enrollment.models import ConsentRecord, FaceSample, FaceTemplate, GalleryChange, GalleryRevision, Person, PersonKey
from enrollment.newcomers import Newcomer, enroll_newcomers
from enrollment.samples.duplicates import find_duplicates, find_lookalikes
from enrollment.samples.storing import MAX_SAMPLES
from enrollment.sealed import read_crop, read_embeddings
from enrollment.services import enroll_person
from recognizer.images import decode_crop
from security.allowing import NotAllowed
from security.audit.stored import verify_stored
from security.models import AuditEvent
from tests.support.consent import ON_PAPER

pytestmark = pytest.mark.django_db

WADE, GATES, BERRY = "Abdoulaye_Wade", "Bill_Gates", "Halle_Berry"


@pytest.fixture
def enroll_all(drafts_of):
    """enroll_all(WADE, GATES): two pictures of each, under these names."""

    def make(*names, actor=None, consent=NO_CONSENT):
        newcomers = [Newcomer(name, drafts_of(name)[:2]) for name in names]
        return enroll_newcomers(actor=actor, newcomers=newcomers, consent=consent)

    return make


class TestEnrollNewcomers:
    def test_writes_what_enroll_person_writes(self, enroll_all, drafts_of):
        (ours,) = enroll_all(WADE, consent=ON_PAPER)
        theirs = enroll_person(
            actor=None, name=GATES, consent=ON_PAPER, samples=drafts_of(GATES)[:2], despite_duplicate=True
        )
        both = ours.person, theirs.person
        own = {"id", "uuid", "person_id", "sample_id", "created_at", "updated_at", "name", "folded", "given_at"}
        own |= {"recorded_at", "digest", "crop", "embedding", "quality", "quality_score", "pose"}

        def rows(model: Any, owner: str, person: Person) -> list[dict[str, Any]]:
            found = model.objects.filter(**{owner: person.pk}).order_by("pk").values()
            return [{name: value for name, value in row.items() if name not in own} for row in found]

        owners = {Person: "pk", ConsentRecord: "person", FaceSample: "person", FaceTemplate: "sample__person"}
        for model, owner in owners.items():
            first, second = (rows(model, owner, person) for person in both)
            assert first == second != []
        about_people = AuditEvent.objects.filter(target__startswith="person:").order_by("number")
        actions = list(about_people.values_list("action", "target", "facts"))
        assert [action for action, *_ in actions[:2]] == [action for action, *_ in actions[2:4]]
        assert [target for _, target, _ in actions] == [f"person:{person.uuid}" for person in both for _ in range(2)]
        assert actions[0][2] == actions[2][2]

    def test_pictures_and_vectors_can_be_read_again(self, enroll_all, drafts_of, engine):
        for name, saved in zip((WADE, GATES), enroll_all(WADE, GATES), strict=True):
            for draft, sample in zip(drafts_of(name), saved.samples, strict=False):
                assert (decode_crop(read_crop(FaceSample.objects.get(pk=sample.pk))) == draft.aligned).all()
                stored = FaceTemplate.objects.get(sample=sample).embedding
                assert read_embeddings([(sample.pk, stored)], engine.contract_id) == [draft.embedding.tobytes()]

    def test_moves_the_gallery_once_and_chains_the_audit_trail(self, enroll_all):
        before = GalleryRevision.objects.get().number
        saved = enroll_all(WADE, GATES)
        assert GalleryRevision.objects.get().number == before + 1
        changed = set(GalleryChange.objects.values_list("person_uuid", flat=True))
        assert changed == {each.person.uuid for each in saved}
        assert AuditEvent.objects.filter(target__startswith="person:").count() == 4
        assert verify_stored().problem is None

    def test_enrols_nobody_when_one_of_them_is_at_fault(self, drafts_of, make_draft):
        good = Newcomer(WADE, drafts_of(WADE)[:1])
        for bad, error in (
            (Newcomer("", drafts_of(GATES)[:1]), NameInvalid),
            (Newcomer(GATES, []), NoSamples),
            (Newcomer(GATES, [make_draft(1)]), PackChanged),
            (Newcomer(GATES, [make_draft(seed) for seed in range(MAX_SAMPLES + 1)]), ValueError),
        ):
            with pytest.raises(error):
                enroll_newcomers(actor=None, newcomers=[good, bad], consent=NO_CONSENT)
        assert not Person.objects.exists()

    def test_a_failure_half_way_leaves_nothing(self, enroll_all, monkeypatch):
        def fail(*args, **kwargs):
            raise ConnectionError

        monkeypatch.setattr("enrollment.newcomers.record_each", fail)
        with pytest.raises(ConnectionError):
            enroll_all(WADE, GATES)
        for model in (Person, PersonKey, FaceSample, FaceTemplate, ConsentRecord, GalleryChange):
            assert not model.objects.exists()

    def test_needs_the_right(self, enroll_all, django_user_model):
        with pytest.raises(NotAllowed):
            enroll_all(WADE, actor=django_user_model.objects.create_user("nobody"))

    def test_sets_aside_what_does_not_fit(self, drafts_of):
        odd = drafts_of(BERRY)[0]
        samples = [*drafts_of(GATES)[:3], odd]
        (saved,) = enroll_newcomers(actor=None, newcomers=[Newcomer(GATES, samples)], consent=NO_CONSENT)
        assert list(FaceSample.objects.filter(set_aside=True).values_list("digest", flat=True)) == [odd.digest]
        assert saved.fit.set_aside == {odd.digest}


class TestFindLookalikes:
    def test_finds_those_who_were_there_and_those_before_in_the_same_folder(self, drafts_of):
        wade = drafts_of(WADE)
        there = enroll_person(actor=None, name="There", consent=NO_CONSENT, samples=wade[:1], despite_duplicate=True)
        drafts = [wade[1:2], drafts_of(GATES)[:1], wade[:1]]
        newcomers = [Newcomer(f"New {number}", those) for number, those in enumerate(drafts)]
        saved = enroll_newcomers(actor=None, newcomers=newcomers, consent=NO_CONSENT)
        first, second, third = find_lookalikes(
            [(each.person, those) for each, those in zip(saved, drafts, strict=True)]
        )
        assert [candidate.person.name for candidate in first] == ["There"]
        assert second == []
        assert {candidate.person.name for candidate in third} == {"There", "New 0"}
        asked = find_duplicates(wade[1:2], except_for=saved[0].person)
        (same,) = [candidate for candidate in asked if candidate.person == there.person]
        assert (first[0].comparison_score, first[0].template_id) == (same.comparison_score, same.template_id)
