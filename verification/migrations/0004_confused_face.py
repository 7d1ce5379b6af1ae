import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0003_false_match"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConfusedFace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("contract_id", models.CharField(max_length=80)),
                ("comparison_score", models.FloatField(help_text="What made it a match, -1 to 1.")),
                (
                    "raised_threshold",
                    models.FloatField(help_text="What a face like it must reach to be named as the person."),
                ),
                ("embedding", models.BinaryField(help_text="Little-endian float32, L2-normalised.", max_length=16384)),
                (
                    "false_match",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="faces", to="verification.falsematch"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("false_match", "contract_id"), name="one_face_per_false_match_and_contract"
                    )
                ],
            },
        ),
    ]
