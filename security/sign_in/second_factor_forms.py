"""What is typed around the second factor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from security.sign_in.checking import WrongPassword, check_password

# A telephone shows digits, a password manager offers the code, and nothing is remembered by the browser.
_CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
_DIGITS = {"autocomplete": "one-time-code", "inputmode": "numeric"}


class CodeForm(forms.Form):
    """The app's code, or a recovery code."""

    code = forms.CharField(
        max_length=40,
        widget=forms.TextInput(attrs=_CODE),
        help_text=_("Six digits from your app, or one of your recovery codes."),
        error_messages={"required": _("Type the code that your app shows.")},
    )


class WithPassword(forms.Form):
    """The password once more, from who has one: an open browser alone must not change how somebody logs in."""

    password = forms.CharField(
        label=_("Your password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Type your password.")},
    )

    def __init__(self, *args: Any, operator: User, asks_password: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.operator = operator
        self.written: list[str] = []
        if not (asks_password and operator.has_usable_password()):
            del self.fields["password"]

    def check_password(self, address: str) -> None:
        """address: the client's. Raises SignInRefused."""
        if "password" not in self.fields:
            return
        name, password = self.operator.get_username(), self.cleaned_data["password"]
        try:
            check_password(name=name, password=password, address=address)
        except WrongPassword:
            raise WrongPassword(gettext("This is not your password.")) from None


class ProofForm(WithPassword):
    """Password and code, for switching off and for new recovery codes."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
        help_text=_("Six digits from your app, or one of your recovery codes."),
        error_messages={"required": _("Type the code that your app shows.")},
    )


class SetUpForm(WithPassword):
    """The new app's code, with the password and, where another app is replaced, that one's code."""

    present_code = forms.CharField(
        label=_("Code of the app that you use now"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Or one of your recovery codes."),
        error_messages={"required": _("Type the code of the app that you use now.")},
    )
    code = forms.CharField(
        label=_("Code of the new app"),
        max_length=10,
        widget=forms.TextInput(attrs=_DIGITS),
        help_text=_("The six digits that it shows for this site."),
        error_messages={"required": _("Type the code that the app shows.")},
    )
    field_order = ("code", "present_code", "password")

    def __init__(self, *args: Any, signed_in: bool, is_on: bool, **kwargs: Any) -> None:
        super().__init__(*args, asks_password=signed_in, **kwargs)
        self.is_on = is_on
        if not is_on:
            del self.fields["present_code"]
            self.fields["code"].label = gettext("Code")
