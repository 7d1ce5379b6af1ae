"""The audit trail, the rights that roles are made of, how operators and keys prove who they are, what retention did."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from security.rights import RIGHTS, Right


def validate_language(value: str) -> None:
    """Raises ValidationError: the site does not speak it. Not `choices`, so that a new language is no migration."""
    if value not in dict(settings.LANGUAGES):
        raise ValidationError(_("Choose a language from the list."))


class AuditEvent(models.Model):
    """One change, in the words of who, what and when: ids and settings only, so that it may outlive an erasure.

    audit/recording.py appends rows. Nothing changes one, and only retention takes the oldest away.
    """

    number = models.PositiveBigIntegerField(unique=True, help_text=_("1, 2, 3 ... without gaps."))
    at = models.DateTimeField()
    action = models.CharField(max_length=60)
    actor = models.CharField(max_length=60, help_text=_("operator:<id>, command, product ...: no names."))
    target = models.CharField(
        max_length=100, blank=True, help_text=_("person:<uuid>, policy:<id> ...; empty: the site.")
    )
    facts = models.JSONField(default=dict, help_text=_("Counts, codes, settings before and after."))
    source = models.CharField(max_length=100, blank=True, help_text=_("From where: an address, or a command's name."))
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(
        max_length=64, help_text=_("SHA-256 over this row and previous_hash, in hexadecimal digits.")
    )

    class Meta:
        ordering = ["-number"]
        indexes = [
            models.Index(fields=["target", "number"], name="audit_target"),
            models.Index(fields=["actor", "number"], name="audit_actor"),
            models.Index(fields=["action", "number"], name="audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.action}"


class AuditHead(models.Model):
    """A table of one row: the chain's last link. Every writer locks it, so that numbers have no gaps."""

    SINGLETON_PK = 1

    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return f"audit row {self.number}"


class AuditSeal(models.Model):
    """A signature over the chain up to one row. audit/chain.py says what is signed."""

    kind = models.CharField(max_length=10, help_text=_("day: once a day; anchor: the rows up to it were taken away."))
    number = models.PositiveBigIntegerField(help_text=_("Of the row."))
    hash = models.CharField(max_length=64, help_text=_("Of the row."))
    at = models.DateTimeField()
    key = models.CharField(max_length=16, help_text=_("Beginning of the SHA-256 of the public key."))
    signature = models.CharField(max_length=100, help_text=_("Ed25519, in base64."))

    class Meta:
        ordering = ["number", "id"]
        constraints = [models.UniqueConstraint(fields=["number", "kind"], name="one_audit_seal_per_row_and_kind")]

    def __str__(self) -> str:
        return f"{self.kind} seal of row {self.number}"


class AuditCheck(models.Model):
    """One verification of the chain, for the page: the command `audit verify` looks for itself."""

    at = models.DateTimeField(auto_now_add=True)
    whole = models.BooleanField(help_text=_("All rows were looked at, not only those since the last seal."))
    rows = models.PositiveBigIntegerField()
    through = models.PositiveBigIntegerField(help_text=_("Number of the last row that fits."))
    problem = models.CharField(max_length=300, blank=True, help_text=_("A sentence; empty: nothing is wrong."))

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.problem or f"{self.rows} rows fit"


class Rights(models.Model):
    """No table: the place that Django's permissions of rights.py hang on."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [(right.codename, label) for right, label in RIGHTS.items()]


def random_key_id() -> int:
    """63 random bits: an id that was erased never comes back."""
    return secrets.randbits(63)


class WrappedKey(models.Model):
    """One data key, encrypted with the site key. Each app has a table of them for each kind of owner.

    A row goes with its owner (CASCADE), and then nothing that it encrypted can be read, in older backups neither.
    """

    id = models.BigIntegerField(primary_key=True, default=random_key_id)
    wrapped = models.BinaryField(
        max_length=60, help_text=_("Nonce, encrypted key and tag; see encryption/data_keys.py.")
    )
    site_key = models.CharField(max_length=16, help_text=_("Fingerprint of the site key that it is wrapped with."))
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"key {self.pk}"


class EncryptionState(models.Model):
    """A table of one row: which site key this database belongs to, and whether older rows are encrypted too."""

    SINGLETON_PK = 1

    site_key = models.CharField(
        max_length=16, help_text=_("Fingerprint of the site key that all keys are wrapped with.")
    )
    rotated_at = models.DateTimeField(null=True)
    sealed_at = models.DateTimeField(null=True, help_text=_("Since when nothing is left in plain; empty: not known."))

    def __str__(self) -> str:
        return f"site key {self.site_key}"


class Approval(models.Model):
    """One operator asks, a second one agrees, and the first may do it once. roles/second_person.py has the rules.

    approved_by is empty where a command on the server agreed. What an operator asked or agreed to goes with them.
    """

    class Action(models.TextChoices):
        ERASE_MANY = "erase_many", _("Erase several people")
        EXPORT_BIOMETRICS = "export_biometrics", _("Export pictures and embeddings")
        SEARCH_UNKNOWN = "search_unknown", _("Search among unknown faces")

    action = models.CharField(max_length=30, choices=Action.choices)
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the action and its targets: what was agreed to."))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    targets = models.JSONField(default=list, help_text=_("Ids only, for the second person to look at."))

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["action", "digest"], name="approvals_of_one_thing")]

    def __str__(self) -> str:
        return f"approval {self.pk}: {self.action}"


class FailedSignIns(models.Model):
    """How often sign-ins failed for one account or address. sign_in/limits.py says what follows from it."""

    key = models.CharField(
        max_length=64, unique=True, help_text=_("HMAC of what is counted: neither name nor address.")
    )
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.failures} failed sign-ins"


class KnownAddress(models.Model):
    """An operator has signed in from there: strangers' failures elsewhere do not keep the operator out."""

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    address = models.CharField(max_length=64, help_text=_("HMAC of the address."))
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "address"], name="one_row_per_known_address")]

    def __str__(self) -> str:
        return f"an address of operator {self.operator_id}"


class OperatorLanguage(models.Model):
    """The language that an operator chose; without a row it is their browser's (languages.py)."""

    operator = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=10, validators=[validate_language])

    def __str__(self) -> str:
        return f"language of operator {self.operator_id}"


class OneTimePassword(models.Model):
    """The operator's present password was chosen by somebody else: it signs in once, and must be changed then."""

    operator = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="one_time_password"
    )
    digest = models.CharField(max_length=64, help_text=_("Of the stored hash: with any other password this is moot."))
    issued_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"one-time password of operator {self.operator_id}"


class SignIn(models.Model):
    """One browser in which an operator is signed in: the session's record, which ends with it."""

    class Ended(models.TextChoices):
        IDLE = "idle", _("Not used for too long")
        LIFETIME = "lifetime", _("Signed in for too long")

    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="sign_in")
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=60, help_text=_("Its family and system in words."))
    began_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    ended = models.CharField(max_length=10, choices=Ended, blank=True)

    class Meta:
        ordering = ["-last_used_at"]

    def __str__(self) -> str:
        return f"sign-in {self.pk} of operator {self.operator_id}"


class SecondFactor(models.Model):
    """An operator's authenticator app: the secret that it shares with the site, and the last code that counted.

    sign_in/second_factor.py writes it. While an app is being set up there is a second, unconfirmed row, so that the
    confirmed one goes on until the new one has shown that it works.
    """

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    confirmed = models.BooleanField(default=False)
    sealed_secret = models.TextField(help_text=_("Sealed by sign_in/sealing.py."))
    last_step = models.BigIntegerField(
        default=0, help_text=_("Half minutes since 1970: no code of it or before counts.")
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operator", "confirmed"], name="one_second_factor_of_an_operator"),
        ]

    def __str__(self) -> str:
        return f"second factor of operator {self.operator_id}"


class SecondFactorKey(WrappedKey):
    """The key of one app's secret. It goes when the second factor is replaced, switched off or reset."""

    second_factor = models.OneToOneField(SecondFactor, on_delete=models.CASCADE, related_name="key")


class RecoveryCode(models.Model):
    """A code that stands in once for the app. The row goes when it is used."""

    second_factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of 80 random bits: no list of guesses reaches it."))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["second_factor", "digest"], name="one_row_per_recovery_code"),
        ]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class OpenIdentity(models.Model):
    """Which operator a person of an OpenID provider is."""

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(
        max_length=64, unique=True, help_text=_("SHA-256 of issuer and subject: databases compare texts too kindly.")
    )
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"identity of operator {self.operator_id}"


class Lease(models.Model):
    """A lock on work that one process of the site does at a time; security/leases.py takes and frees it."""

    name = models.CharField(max_length=60, unique=True)
    holder = models.CharField(max_length=100, blank=True, default="", help_text=_("Empty: nobody."))
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class SharedBucket(models.Model):
    """What is left of a rate that all processes share; security/sharing.py takes from it."""

    name = models.CharField(max_length=80, unique=True)
    left = models.FloatField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class SharedPlace(models.Model):
    """One of so many at once, counted over all processes; security/sharing.py gives it and takes it back."""

    name = models.CharField(max_length=80, db_index=True)
    token = models.CharField(max_length=32, unique=True)
    expires_at = models.DateTimeField(help_text=_("Unless it is kept: its process may have died."))

    def __str__(self) -> str:
        return self.name


class DailyTask(models.Model):
    """When a task of security/daily.py is due, and how its last run went."""

    name = models.CharField(max_length=60, unique=True)
    due_at = models.DateTimeField()
    asked_by = models.CharField(max_length=60, blank=True, default="", help_text=_("Who asked; empty: the clock."))
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text=_("Empty: it is running, or its process ended half-way."))
    problem = models.CharField(
        max_length=100, blank=True, default="", help_text=_("What it failed with; empty: nothing.")
    )

    def __str__(self) -> str:
        return self.name


class RetentionPolicy(models.Model):
    """After how many days what is erased. Every save is a new row; the newest one counts."""

    days = models.JSONField(
        default=dict, help_text=_("Rule's key -> days, or null: kept. A rule's default, if missing.")
    )
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("retention policies")

    def __str__(self) -> str:
        return f"retention from {timezone.localtime(self.saved_at):%Y-%m-%d %H:%M}"


class RetentionRun(models.Model):
    """One run through the site's retention rules: what was due, and what was erased so far."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped before its end")

    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    begun_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    asked_by = models.CharField(max_length=60, help_text=_("operator:<id>, command, or product: the clock."))
    process = models.CharField(max_length=60, help_text=_("Host and process."))
    days = models.JSONField(default=dict, help_text=_("Rule's key -> days that were in force."))
    due = models.JSONField(default=dict, help_text=_("Rule's key -> how many were due when the run came to it."))
    erased = models.JSONField(default=dict, help_text=_("Rule's key -> how many were erased."))
    problems = models.JSONField(default=dict, help_text=_("Rule's key -> what it failed with."))

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"retention run {self.pk} ({self.get_state_display()})"


class ApiKey(models.Model):
    """How another program proves who it is. keys/services.py writes it; the secret itself is kept nowhere."""

    name = models.CharField(max_length=60, help_text=_("What uses it: the door, the visitor system."))
    prefix = models.CharField(max_length=12, help_text=_("Beginning of the secret, to tell keys apart."))
    digest = models.CharField(
        max_length=64, unique=True, help_text=_("SHA-256 of the secret, which has 256 random bits.")
    )
    scopes = models.JSONField(default=list, help_text=_("What it may do; see keys/scopes.py."))
    addresses = models.JSONField(default=list, help_text=_("Networks that it is used from; empty: any."))
    requests_per_minute = models.PositiveIntegerField(default=600)
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: never."))
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="api_key",
        help_text=_("Stands for the key wherever a row says which operator did something. Nobody can sign in with it."),
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, help_text=_("Written at most once a minute."))
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("API key")

    def __str__(self) -> str:
        return f"API key {self.name} ({self.prefix})"


class KeyActor(User):
    """An API key at work, as the services take it: an operator whose rights are those of one of the key's scopes."""

    key_id: int
    rights: frozenset[Right] = frozenset()

    class Meta:
        proxy = True
        default_permissions = ()

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Nothing of what Django's groups say counts here."""
        return perm in self.rights
