from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("security", "0014_audit_check")]

    operations = [
        migrations.AddIndex(
            model_name="auditevent", index=models.Index(fields=["target", "number"], name="audit_target")
        ),
    ]
