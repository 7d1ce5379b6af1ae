"""A policy may have a threshold that was measured on the site's own gallery."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verification", "0007_unknown_face")]

    operations = [
        migrations.AddField(
            model_name="verificationpolicy",
            name="match_threshold",
            field=models.FloatField(
                blank=True,
                help_text="Measured on the site's own gallery; empty: the model pack's own for the rate.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="verificationpolicy",
            name="contract_id",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Where match_threshold counts; in another embedding space the pack's does.",
                max_length=80,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="verificationpolicy",
            name="evidence",
            field=models.JSONField(blank=True, default=dict, help_text="What match_threshold was measured on."),
        ),
    ]
