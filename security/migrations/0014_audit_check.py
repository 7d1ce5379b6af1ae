from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("security", "0013_audit_seal")]

    operations = [
        migrations.CreateModel(
            name="AuditCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("whole", models.BooleanField(help_text="All rows were looked at, not only those since the last seal.")),
                ("rows", models.PositiveBigIntegerField()),
                ("through", models.PositiveBigIntegerField(help_text="Number of the last row that fits.")),
                ("problem", models.CharField(blank=True, help_text="A sentence; empty: nothing is wrong.", max_length=300)),
            ],
            options={"ordering": ["-id"]},
        ),
    ]
