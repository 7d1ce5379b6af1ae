"""What is typed about a kiosk, and on one."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from attendance.models import Kiosk


class KioskForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = Kiosk
        fields = ("name", "place", "mode", "sound")
        labels = {"name": _("Name"), "place": _("Place"), "mode": _("What it does"), "sound": _("Sounds and vibration")}
        help_texts = {
            "name": _("As the history and MQTT name it."),
            "place": _("Where it stands. The screen shows it."),
        }
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "place": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def add_service_error(self, error: ValidationError) -> None:
        for name, messages in error.message_dict.items():
            self.add_error(name if name in self.fields else None, messages)


class PairForm(forms.Form):
    code = forms.CharField(
        label=_("Pairing code"),
        max_length=20,
        error_messages={"required": _("Type the code that the operator sees.")},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "placeholder": "XXXX-XXXX",
            }
        ),
    )
