import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0006_inbox_action"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnknownFace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("kept_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("quality", models.JSONField(help_text="The measures; see recognizer.types.Quality.")),
                ("quality_score", models.FloatField()),
                ("contract_id", models.CharField(max_length=80)),
                ("embedding", models.BinaryField(help_text="Little-endian float32, L2-normalised.", max_length=16384)),
                (
                    "crop",
                    models.BinaryField(
                        help_text="Aligned 112 x 112 face as PNG bytes, without loss.", max_length=200000
                    ),
                ),
                (
                    "attempt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unknown_face",
                        to="verification.verificationattempt",
                    ),
                ),
                (
                    "handled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="faces",
                        to="verification.inboxaction",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
    ]
