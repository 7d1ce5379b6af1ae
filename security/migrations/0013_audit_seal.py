from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("security", "0012_retention_run")]

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(help_text="day: once a day; anchor: the rows up to it were taken away.", max_length=10)),
                ("number", models.PositiveBigIntegerField(help_text="Of the row.")),
                ("hash", models.CharField(help_text="Of the row.", max_length=64)),
                ("at", models.DateTimeField()),
                ("key", models.CharField(help_text="Beginning of the SHA-256 of the public key.", max_length=16)),
                ("signature", models.CharField(help_text="Ed25519, in base64.", max_length=100)),
            ],
            options={
                "ordering": ["number", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("number", "kind"), name="one_audit_seal_per_row_and_kind")
                ],
            },
        ),
    ]
