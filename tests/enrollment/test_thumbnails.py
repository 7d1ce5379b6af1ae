"""A damaged crop costs its own picture and never the page around it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from enrollment import selectors, services
from enrollment.models import FaceSample, FaceTemplate
from enrollment.thumbnails import jpeg_data_url, placeholder_bytes
from tests.support.consent import ON_PAPER

pytestmark = pytest.mark.django_db

PLACEHOLDER = jpeg_data_url(placeholder_bytes())


@pytest.fixture
def damaged(operator, make_draft):
    """Ada, whose only crop is no picture any more."""
    samples = [make_draft(1)]
    ada = services.enroll_person(
        actor=operator, name="Ada", consent=ON_PAPER, samples=samples, despite_duplicate=True
    ).person
    FaceSample.objects.update(crop=b"no picture")
    return ada


def test_the_list_of_people_shows_a_placeholder(operator_client, damaged):
    page = operator_client.get(reverse("enrollment:people"))
    assert page.status_code == 200
    assert PLACEHOLDER in page.content.decode()


def test_the_persons_page_and_its_picture_answer(operator_client, damaged):
    assert operator_client.get(damaged.get_absolute_url()).status_code == 200
    picture = operator_client.get(reverse("enrollment:sample_image", args=[FaceSample.objects.get().uuid]))
    assert picture.status_code == 200
    assert picture.content == placeholder_bytes()


def test_the_admin_shows_a_placeholder(staff_client, damaged):
    page = staff_client.get(reverse("admin:enrollment_person_change", args=[damaged.pk]))
    assert PLACEHOLDER in page.content.decode()


def test_a_possible_duplicate_is_shown_with_a_placeholder(damaged):
    template = FaceTemplate.objects.get().pk
    assert selectors.template_thumbnails([template]) == {template: PLACEHOLDER}
