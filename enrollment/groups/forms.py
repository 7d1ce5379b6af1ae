"""What operators fill in about groups."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from enrollment.errors import EnrollmentError
from enrollment.forms import GroupsField
from enrollment.groups.actions import LONGEST_NAME, clean_group_name, require_free_group_name
from enrollment.models import Person, PersonGroup


class GroupForm(forms.Form):
    """A group's name. group: whose it is; None: a new one."""

    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        error_messages={"required": _("Give the group a name.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, group: PersonGroup | None = None, **kwargs: Any) -> None:
        self.group = group
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        try:
            name = clean_group_name(self.cleaned_data["name"])
            require_free_group_name(name, except_for=self.group)
        except EnrollmentError as error:
            raise ValidationError(str(error), code=error.code) from None
        return name


class GroupsOfPersonForm(forms.Form):
    """Which groups a person is in."""

    groups = GroupsField()

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["groups"].initial = [group.uuid for group in person.groups.all()]
