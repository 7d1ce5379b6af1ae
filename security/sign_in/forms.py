"""What is typed to sign in and to change a password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from security.addresses import client_address
from security.sign_in.checking import SignInRefused, check_password


class SignInForm(AuthenticationForm):
    """Django's form, with this product's check."""

    refusal: SignInRefused | None = None

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name is not None and password:
            try:
                self.user_cache = check_password(
                    name=name, password=password, address=client_address(self.request.META) if self.request else ""
                )
            except SignInRefused as refusal:
                self.refusal = refusal
                raise ValidationError(str(refusal), code=refusal.code) from refusal
        return self.cleaned_data


class OwnPasswordForm(PasswordChangeForm):
    """The old password, and a new one twice. The limits of signing in hold here too."""

    def __init__(self, user: User, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.address = address
        self.refusal: SignInRefused | None = None
        say_plainly(self)

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        try:
            check_password(name=self.user.get_username(), password=old, address=self.address)
        except SignInRefused as refusal:
            self.refusal = refusal
            wrong = refusal.code == "wrong_password"
            raise ValidationError(_("This is not your present password.") if wrong else str(refusal)) from refusal
        return old


class FirstPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """A new password twice, after a sign-in with a one-time password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say_plainly(self)

    def clean_new_password2(self) -> str:
        new: str = self.cleaned_data["new_password2"]
        if self.user.check_password(new):
            raise ValidationError(_("This is the one-time password. Choose another one."))
        return new


class EndForm(forms.Form):
    """Which sign-in to end; empty: all others."""

    sign_in = forms.IntegerField(required=False, min_value=1)


def say_plainly(form: forms.Form) -> None:
    """One sentence about a new password, instead of a list below its field."""
    first, second = form.fields["new_password1"], form.fields["new_password2"]
    first.help_text = _("At least 8 characters; no common password, not only digits, not your name.")
    second.label, second.help_text = _("New password once more"), ""
