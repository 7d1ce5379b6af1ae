from __future__ import annotations

import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Barrier, local
from uuid import uuid4

import numpy as np
import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection

from enrollment import services
from enrollment.errors import (
    ConsentInvalid,
    ExternalIdInvalid,
    ExternalIdTaken,
    GroupUnknown,
    NameInvalid,
    NoSamples,
    PackChanged,
    PersonUnknown,
    PossibleDuplicate,
    SampleInvalid,
    SampleUnknown,
    ValidityInvalid,
)
from enrollment.groups.actions import create_group, delete_group
from enrollment.hooks import hooks
from enrollment.models import (
    FaceSample,
    FaceTemplate,
    GalleryChange,
    GalleryRevision,
    Person,
    PersonGroup,
    PersonKey,
)
from enrollment.samples.storing import MAX_SAMPLES
from enrollment.sealed import read_crop, read_embeddings
from recognizer.images import decode_crop, encode_crop
from security.models import AuditEvent
from tests.enrollment.conftest import CONTRACT, unit_vector
from tests.support import skips
from tests.support.consent import ON_PAPER
from tests.support.floats import approx_cosine, cosine_error

pytestmark = pytest.mark.django_db


@pytest.fixture
def enroll(operator, make_draft):
    """enroll(name, seeds=(1, 2)): stored without looking for duplicates, which needs an engine."""

    def make(name="Ada", seeds=(1, 2), **changes):
        values = {"consent": ON_PAPER, "samples": [make_draft(seed) for seed in seeds], **changes}
        return services.enroll_person(actor=operator, name=name, despite_duplicate=True, **values).person

    return make


def revision() -> int:
    row = GalleryRevision.objects.first()
    return row.number if row else 0


def nothing_stored() -> bool:
    return not (Person.objects.exists() or FaceSample.objects.exists() or FaceTemplate.objects.exists())


class TestEnrollPerson:
    def test_stores_the_person_with_samples_and_templates(self, enroll, operator):
        person = enroll("Ada", external_id="17")
        assert (person.name, person.external_id, person.created_by) == ("Ada", "17", operator)
        assert person.consent.how == "paper"
        assert person.samples.count() == 2
        assert set(FaceTemplate.objects.values_list("sample__person", "contract_id")) == {(person.pk, CONTRACT)}

    def test_keeps_days_and_groups_with_a_row_for_each_in_the_audit_trail(self, enroll):
        visitors = create_group(actor=None, name="Visitors")
        person = enroll("Ada", valid_from=None, valid_until=date(2026, 3, 5), groups=[visitors])
        assert (person.valid_until, list(person.groups.all())) == (date(2026, 3, 5), [visitors])
        rows = AuditEvent.objects.filter(target=f"person:{person.uuid}").order_by("number")
        assert list(rows.values_list("action", "facts"))[-2:] == [
            ("person.validity", {"since": None, "until": "2026-03-05"}),
            ("person.group_joined", {"group": str(visitors.uuid), "together": 1}),
        ]

    def test_leaves_nothing_behind_when_the_last_day_is_before_the_first(self, enroll):
        with pytest.raises(ValidityInvalid):
            enroll(valid_from=date(2026, 3, 5), valid_until=date(2026, 3, 1))
        assert nothing_stored()

    def test_leaves_nothing_behind_when_a_group_was_deleted_meanwhile(self, enroll):
        visitors, staff = (create_group(actor=None, name=name) for name in ("Visitors", "Staff"))
        delete_group(actor=None, group=PersonGroup.objects.get(pk=visitors.pk))
        with pytest.raises(GroupUnknown):
            enroll(groups=[staff, visitors])
        assert nothing_stored()

    def test_keeps_the_crop_without_loss_and_the_vector_as_little_endian_float32(self, enroll, make_draft):
        person = enroll(seeds=(5,))
        sample = person.samples.get()
        assert np.array_equal(decode_crop(read_crop(sample)), make_draft(5).aligned)
        template = sample.templates.get()
        [plain] = read_embeddings([(sample.pk, template.embedding)], template.contract_id)
        assert plain is not None
        stored = np.frombuffer(plain, "<f4")
        assert np.array_equal(stored, unit_vector(5))

    def test_writes_the_quality_and_who_took_the_sample(self, enroll, operator):
        sample = enroll().samples.first()
        assert sample.quality_score == 0.7
        assert sample.quality["pose"] == {"yaw": 1.0, "pitch": 2.0, "roll": 3.0}
        assert sample.quality["sharpness"] == 300.0
        assert sample.created_by == operator

    def test_keeps_the_same_picture_once(self, enroll):
        assert enroll(seeds=(1, 1, 2)).samples.count() == 2

    def test_leaves_out_the_least_telling_samples_above_the_cap(self, enroll):
        assert enroll(seeds=range(MAX_SAMPLES + 3)).samples.count() == MAX_SAMPLES

    def test_tidies_white_space_in_the_name(self, enroll):
        assert enroll("  Ada \t Lovelace ").name == "Ada Lovelace"

    def test_takes_an_empty_external_id_for_none(self, enroll):
        enroll("Ada", external_id=" ")
        assert enroll("Grace", external_id="", seeds=(3,)).external_id is None

    @pytest.mark.parametrize("name", ["", "   ", "x" * 201, "Ada\x00", "\u202e"])
    def test_refuses_a_bad_name(self, enroll, name):
        with pytest.raises(NameInvalid):
            enroll(name)
        assert nothing_stored()

    @pytest.mark.parametrize("external_id", ["x" * 101, "1\x00"])
    def test_refuses_a_bad_external_id(self, enroll, external_id):
        with pytest.raises(ExternalIdInvalid):
            enroll(external_id=external_id)
        assert nothing_stored()

    def test_refuses_an_external_id_that_somebody_has(self, enroll):
        enroll("Ada", external_id="17")
        with pytest.raises(ExternalIdTaken):
            enroll("Grace", external_id="17", seeds=(3,))
        assert Person.objects.count() == 1

    def test_refuses_a_consent_that_ended_before_it_began(self, enroll):
        with pytest.raises(ConsentInvalid):
            enroll(consent=replace(ON_PAPER, valid_until=date(2001, 1, 1)))
        assert nothing_stored()

    def test_refuses_without_samples(self, enroll):
        with pytest.raises(NoSamples):
            enroll(seeds=())
        assert nothing_stored()

    def test_refuses_a_vector_that_is_not_normalised(self, enroll, make_draft):
        with pytest.raises(SampleInvalid):
            enroll(samples=[make_draft(1, embedding=2 * unit_vector(1))])

    def test_refuses_a_vector_with_a_nan(self, enroll, make_draft):
        with pytest.raises(SampleInvalid):
            enroll(samples=[make_draft(1, embedding=np.full(8, np.nan, np.float32))])

    def test_refuses_vectors_of_different_dimensions(self, enroll, make_draft):
        with pytest.raises(SampleInvalid):
            enroll(samples=[make_draft(1), make_draft(2, embedding=unit_vector(2, 16))])

    def test_refuses_samples_of_two_embedding_spaces(self, enroll, make_draft):
        with pytest.raises(PackChanged):
            enroll(samples=[make_draft(1), make_draft(2, contract_id="another")])

    def test_leaves_nothing_behind_when_the_last_write_fails(self, enroll, monkeypatch):
        monkeypatch.setattr(services, "bump_gallery_revision", lambda changed: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            enroll()
        assert nothing_stored()

    def test_never_logs_a_name(self, enroll, caplog):
        with caplog.at_level(logging.DEBUG):
            person = enroll("Ada Lovelace")
        facts = [record.__dict__.get("data", {}) for record in caplog.records]
        assert "Lovelace" not in caplog.text + str(facts)
        assert {"person": str(person.uuid), "actor": person.created_by_id, "samples": 2} in facts


class TestPossibleDuplicate:
    @pytest.fixture
    def real_draft(self, engine, make_draft):
        """Drafts of the engine's own embedding space."""

        def make(seed, face=None):
            vector = unit_vector(face or seed, engine.dimension)
            return make_draft(seed, embedding=vector, contract_id=engine.contract_id)

        return make

    def enroll(self, name, *drafts, **changes):
        return services.enroll_person(actor=None, name=name, consent=ON_PAPER, samples=drafts, **changes).person

    def test_names_who_looks_alike_and_stores_nothing(self, engine, real_draft):
        ada = self.enroll("Ada", real_draft(1))
        with pytest.raises(PossibleDuplicate) as caught:
            self.enroll("Somebody", real_draft(2, face=1))
        candidate = caught.value.candidates[0]
        assert candidate.person == ada
        assert candidate.comparison_score == approx_cosine(1, engine.dimension)
        assert Person.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_stores_one_person_when_the_same_face_comes_from_several_sockets_at_once(self, real_draft, monkeypatch):
        GalleryRevision.objects.get_or_create(pk=GalleryRevision.SINGLETON_PK)  # as after a migration
        together, look = Barrier(4, timeout=60), services._look_for_duplicates
        looked = local()

        def look_with_the_others(*arguments):
            candidates = look(*arguments)
            if not getattr(looked, "once", False):  # nobody writes before everybody has looked
                looked.once = True
                together.wait()
            return candidates

        monkeypatch.setattr(services, "_look_for_duplicates", look_with_the_others)

        def enroll(number: int) -> str:
            try:
                return self.enroll(f"Person {number}", real_draft(number + 2, face=1)).name
            except PossibleDuplicate as error:
                return str(error.candidates[0].person.name)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            named = set(pool.map(enroll, range(4)))
        assert [person.name for person in Person.objects.all()] == list(named)

    def test_stores_when_the_operator_insists(self, real_draft):
        self.enroll("Ada", real_draft(1))
        self.enroll("Twin", real_draft(2, face=1), despite_duplicate=True)
        assert Person.objects.count() == 2

    def test_lets_strangers_pass(self, real_draft):
        self.enroll("Ada", real_draft(1))
        self.enroll("Grace", real_draft(2))
        assert Person.objects.count() == 2

    def test_counts_a_score_at_the_threshold_as_a_match(self, real_draft, make_draft, engine):
        from enrollment.runtime.policy import current_policy

        self.enroll("Ada", real_draft(1))
        first, other = unit_vector(1, engine.dimension), unit_vector(2, engine.dimension)
        across = other - (other @ first) * first
        across /= np.linalg.norm(across)
        threshold = current_policy(engine).match_threshold

        def at(cosine):
            vector = (cosine * first + np.sqrt(1 - cosine**2) * across).astype(np.float32)
            return make_draft(3, embedding=vector, contract_id=engine.contract_id)

        with pytest.raises(PossibleDuplicate):
            self.enroll("Above", at(threshold + cosine_error(engine.dimension)))
        self.enroll("Below", at(threshold - 1e-3))

    def test_does_not_take_a_person_for_their_own_duplicate(self, real_draft):
        ada = self.enroll("Ada", real_draft(1))
        assert len(services.add_samples(actor=None, person=ada, samples=[real_draft(2, face=1)]).samples) == 1

    def test_warns_when_added_samples_look_like_somebody_else(self, real_draft):
        self.enroll("Ada", real_draft(1))
        grace = self.enroll("Grace", real_draft(2))
        with pytest.raises(PossibleDuplicate):
            services.add_samples(actor=None, person=grace, samples=[real_draft(3, face=1)])
        assert grace.samples.count() == 1

    def test_passes_over_people_who_are_not_searched(self, real_draft):
        ada = self.enroll("Ada", real_draft(1))
        services.set_active(actor=None, people=[ada], active=False)
        self.enroll("Somebody", real_draft(2, face=1))
        assert Person.objects.count() == 2

    def test_refuses_drafts_of_another_pack(self, engine, make_draft):
        with pytest.raises(PackChanged):
            self.enroll("Ada", make_draft(1))


class TestAddSamples:
    def add(self, person, *drafts):
        return services.add_samples(actor=None, person=person, samples=drafts, despite_duplicate=True).samples

    def test_returns_what_is_new(self, enroll, make_draft):
        person = enroll(seeds=(1,))
        assert len(self.add(person, make_draft(1), make_draft(2))) == 1
        assert person.samples.count() == 2

    def test_changes_nothing_the_second_time(self, enroll, make_draft):
        person = enroll(seeds=(1, 2))
        before = revision()
        assert self.add(person, make_draft(1), make_draft(2)) == []
        assert revision() == before

    def test_gives_a_known_picture_the_template_that_it_lacks(self, enroll, make_draft):
        person = enroll(seeds=(1,))
        before = revision()
        assert self.add(person, make_draft(1, contract_id="new-space")) == []
        assert person.samples.get().templates.count() == 2
        assert revision() == before + 1

    def test_keeps_the_most_varied_above_the_cap(self, enroll, make_draft):
        person = enroll(seeds=range(MAX_SAMPLES))
        nearly = make_draft(100, embedding=unit_vector(0), quality=replace(make_draft(0).quality, score=0.1))
        assert self.add(person, nearly) == []
        assert person.samples.count() == MAX_SAMPLES
        better = make_draft(101, embedding=unit_vector(0), quality=replace(make_draft(0).quality, score=0.9))
        assert len(self.add(person, better)) == 1
        assert person.samples.count() == MAX_SAMPLES
        assert not person.samples.filter(digest=make_draft(0).digest).exists()

    def test_refuses_somebody_who_was_erased_meanwhile(self, enroll, make_draft):
        person = enroll()
        Person.objects.all().delete()
        with pytest.raises(PersonUnknown):
            self.add(person, make_draft(3))


class TestRemoveSample:
    def test_takes_the_templates_along(self, enroll):
        person = enroll(seeds=(1, 2))
        services.remove_sample(actor=None, sample=person.samples.first())
        assert person.samples.count() == FaceTemplate.objects.count() == 1

    def test_may_take_the_last_one(self, enroll):
        person = enroll(seeds=(1,))
        services.remove_sample(actor=None, sample=person.samples.get())
        assert Person.objects.filter(pk=person.pk).exists()
        assert not person.samples.exists()

    def test_says_when_it_is_gone_already(self, enroll):
        sample = enroll(seeds=(1,)).samples.get()
        FaceSample.objects.all().delete()
        before = revision()
        with pytest.raises(SampleUnknown):
            services.remove_sample(actor=None, sample=sample)
        assert revision() == before


class TestSetAside:
    def test_can_be_undone(self, enroll):
        sample = enroll(seeds=(1,)).samples.get()
        services.set_aside(actor=None, sample=sample, aside=True)
        assert FaceSample.objects.get().set_aside
        services.set_aside(actor=None, sample=sample, aside=False)
        assert not FaceSample.objects.get().set_aside

    def test_moves_the_revision_only_when_something_changes(self, enroll):
        sample = enroll(seeds=(1,)).samples.get()
        before = revision()
        services.set_aside(actor=None, sample=sample, aside=False)
        assert revision() == before
        services.set_aside(actor=None, sample=sample, aside=True)
        assert revision() == before + 1


class TestUpdatePerson:
    def test_changes_what_is_written(self, enroll):
        person = services.update_person(actor=None, person=enroll(), name="Grace", external_id="9", is_active=False)
        person.refresh_from_db()
        assert (person.name, person.external_id, person.is_active) == ("Grace", "9", False)

    def test_leaves_activity_alone_unless_asked(self, enroll):
        person = enroll()
        services.set_active(actor=None, people=[person], active=False)
        assert not services.update_person(actor=None, person=person, name="Ada", external_id=None).is_active

    def test_lets_a_person_keep_their_own_external_id(self, enroll):
        person = enroll(external_id="17")
        assert services.update_person(actor=None, person=person, name="Ada", external_id="17").external_id == "17"

    def test_refuses_somebody_elses_external_id(self, enroll):
        enroll("Ada", external_id="17")
        grace = enroll("Grace", seeds=(3,))
        with pytest.raises(ExternalIdTaken):
            services.update_person(actor=None, person=grace, name="Grace", external_id="17")

    def test_refuses_somebody_who_was_erased_meanwhile(self, enroll):
        person = enroll()
        Person.objects.all().delete()
        with pytest.raises(PersonUnknown):
            services.update_person(actor=None, person=person, name="Ada", external_id=None)


class TestSetActive:
    def test_tells_how_many_changed(self, enroll):
        ada, grace = enroll("Ada"), enroll("Grace", seeds=(3,))
        assert services.set_active(actor=None, people=[ada, grace], active=False) == 2
        assert services.set_active(actor=None, people=[ada, grace], active=False) == 0
        assert Person.objects.filter(is_active=True).count() == 0

    def test_moves_the_revision_only_when_something_changes(self, enroll):
        ada = enroll()
        before = revision()
        services.set_active(actor=None, people=[ada], active=True)
        assert revision() == before


class TestErasePeople:
    def test_leaves_no_row_of_them(self, enroll):
        ada, grace = enroll("Ada"), enroll("Grace", seeds=(3,))
        assert services.erase_people(actor=None, people=[ada]) == 1
        assert list(Person.objects.all()) == [grace]
        assert set(FaceSample.objects.values_list("person", flat=True)) == {grace.pk}
        assert FaceTemplate.objects.count() == 1

    def test_counts_only_those_who_were_there(self, enroll):
        ada = enroll()
        assert services.erase_people(actor=None, people=[ada, ada]) == 1
        ada.pk = 10**6
        before = revision()
        assert services.erase_people(actor=None, people=[ada]) == 0
        assert revision() == before

    def test_takes_the_name_out_of_the_admins_log(self, enroll, staff):
        ada = enroll("Ada Lovelace")
        LogEntry.objects.log_actions(staff.pk, Person.objects.all(), CHANGE, single_object=True)
        assert LogEntry.objects.get().object_repr == "Ada Lovelace"
        services.erase_people(actor=staff, people=[ada])
        assert LogEntry.objects.get().object_repr == "an erased person"

    def test_lets_other_apps_forget_in_the_same_transaction(self, enroll, monkeypatch):
        ada = enroll()
        seen: list[tuple[Person, bool, int]] = []

        def forget(people):
            seen.extend((person, connection.in_atomic_block, Person.objects.count()) for person in people)

        monkeypatch.setattr(hooks, "erase", [])
        hooks.on_erase(forget)
        hooks.on_erase(forget)  # AppConfig.ready() may run twice
        services.erase_people(actor=None, people=[ada])
        assert seen == [(ada, True, 1)]

    def test_erases_nobody_when_another_app_fails(self, enroll, monkeypatch):
        ada = enroll()
        monkeypatch.setattr(hooks, "erase", [lambda people: 1 / 0])
        with pytest.raises(ZeroDivisionError):
            services.erase_people(actor=None, people=[ada])
        assert Person.objects.filter(pk=ada.pk).exists()


def database_bytes() -> bytes:
    """Everything that the database has on the disk: tables, logs, undo pages."""
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        return path.read_bytes() + Path(f"{path}-wal").read_bytes()
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@datadir")
        [folder] = cursor.fetchone()
    if not os.access(folder, os.R_OK):
        skips.skip("mysql", "its files are on another machine, or another user's")
    kinds = ("*.ibd", "ibdata*", "ib_logfile*", "undo*", "ibtmp*", "*-bin.*")
    return b"".join(path.read_bytes() for kind in kinds for path in Path(folder).rglob(kind))


def wait_for(trace: bytes) -> None:
    """MariaDB writes its log once a second."""
    deadline = time.monotonic() + 20
    while trace not in database_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.django_db(transaction=True)
class TestErasedBytes:
    def test_neither_crops_nor_vectors_are_in_the_files_of_the_database_before_or_after(self, enroll, make_draft):
        ada = enroll("Zebulon Quatermain", seeds=(1, 2, 3))
        faces = [encode_crop(make_draft(seed).aligned)[60:160] for seed in (1, 2, 3)]
        faces += [unit_vector(seed).astype("<f4").tobytes() for seed in (1, 2, 3)]
        wait_for(ada.name.encode())  # so the person has reached the files
        wait_for(bytes(ada.samples.first().crop)[60:160])
        before = database_bytes()
        services.erase_people(actor=None, people=[ada])
        after = database_bytes()
        assert not any(face in before or face in after for face in faces)


if connection.vendor == "sqlite":  # other databases' logs are their administrator's: docs/deployment.md

    @pytest.mark.django_db(transaction=True)
    class TestErasedBytesOfSqlite:
        def test_keeps_neither_ciphertext_nor_key_nor_name(self, enroll):
            ada = enroll("Zebulon Quatermain", seeds=(1, 2, 3))
            sample = ada.samples.first()
            traces = [ada.name.encode(), bytes(sample.crop)[60:160], bytes(sample.templates.get().embedding)]
            traces += [bytes(PersonKey.objects.get().wrapped)]
            assert all(trace in database_bytes() for trace in traces)
            services.erase_people(actor=None, people=[ada])
            assert not any(trace in database_bytes() for trace in traces)


class TestStoreTemplates:
    def test_stands_beside_the_other_space(self, enroll):
        sample = enroll(seeds=(1,)).samples.get()
        vector = unit_vector(9, 16)
        assert services.store_templates(actor=None, contract_id="new:16", embeddings={sample.pk: vector}) == 1
        assert dict(sample.templates.values_list("contract_id", "dimension")) == {CONTRACT: 8, "new:16": 16}

    def test_passes_over_what_has_one_or_is_gone(self, enroll):
        sample = enroll(seeds=(1,)).samples.get()
        before = revision()
        embeddings = {sample.pk: unit_vector(1), sample.pk + 1: unit_vector(2)}
        assert services.store_templates(actor=None, contract_id=CONTRACT, embeddings=embeddings) == 0
        assert revision() == before


class TestBumpGalleryRevision:
    def test_counts_up_and_notes_whose_templates_changed(self):
        person = uuid4()
        first = services.bump_gallery_revision([person])
        assert services.bump_gallery_revision([person]) == first + 1
        assert list(GalleryChange.objects.values_list("revision", "person_uuid")) == [
            (first, person),
            (first + 1, person),
        ]

    def test_forgets_changes_that_no_reader_needs(self, monkeypatch):
        monkeypatch.setattr(services, "KEPT_REVISIONS", 10)
        GalleryRevision.objects.update_or_create(pk=GalleryRevision.SINGLETON_PK, defaults={"number": 99})
        GalleryChange.objects.create(revision=79, person_uuid=uuid4())
        GalleryChange.objects.create(revision=80, person_uuid=uuid4())
        assert services.bump_gallery_revision([]) == 100
        assert list(GalleryChange.objects.values_list("revision", flat=True)) == [80]

    def test_begins_a_new_epoch_with_a_new_database(self):
        services.bump_gallery_revision([])
        first = GalleryRevision.objects.get().epoch
        services.bump_gallery_revision([])
        assert GalleryRevision.objects.get().epoch == first
        GalleryRevision.objects.update(number=0)
        services.bump_gallery_revision([])
        assert GalleryRevision.objects.get().epoch != first

    def test_makes_the_row_again_after_a_flush(self):
        GalleryRevision.objects.all().delete()
        assert services.bump_gallery_revision([]) == 1

    def test_announces_after_the_commit_only(self, monkeypatch, django_capture_on_commit_callbacks):
        told = []
        monkeypatch.setattr(services, "announce_gallery_change", lambda: told.append(True))
        with django_capture_on_commit_callbacks(execute=True):
            services.bump_gallery_revision([])
            assert told == []
        assert told == [True]


@pytest.mark.django_db(transaction=True)
class TestWritersAtTheSameTime:
    @pytest.fixture(autouse=True)
    def _row(self):
        """As the migration leaves it; the flush after another test has taken it away."""
        GalleryRevision.objects.get_or_create(pk=GalleryRevision.SINGLETON_PK)

    def test_each_get_a_revision_of_their_own_and_lose_nothing(self, make_draft):
        def write(number):
            try:
                person = services.enroll_person(
                    actor=None,
                    name=f"Person {number}",
                    consent=ON_PAPER,
                    samples=[make_draft(number), make_draft(number + 100)],
                    despite_duplicate=True,
                ).person
                services.add_samples(
                    actor=None, person=person, samples=[make_draft(number + 200)], despite_duplicate=True
                )
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(8)))
        assert (Person.objects.count(), FaceSample.objects.count(), FaceTemplate.objects.count()) == (8, 24, 24)
        assert revision() == 16
        assert sorted(GalleryChange.objects.values_list("revision", flat=True)) == list(range(1, 17))

    def test_give_an_external_id_to_one_of_them(self, make_draft):
        def write(number):
            try:
                services.enroll_person(
                    actor=None,
                    name=f"Person {number}",
                    external_id="17",
                    consent=ON_PAPER,
                    samples=[make_draft(number)],
                    despite_duplicate=True,
                )
            except ExternalIdTaken:
                return "taken"
            finally:
                connection.close()
            return "enrolled"

        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(write, range(4)))
        assert sorted(outcomes) == ["enrolled", "taken", "taken", "taken"]
        assert Person.objects.count() == FaceSample.objects.count() == 1
