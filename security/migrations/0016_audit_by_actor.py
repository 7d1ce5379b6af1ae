from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("security", "0015_audit_by_target")]

    operations = [
        migrations.AddIndex(
            model_name="auditevent", index=models.Index(fields=["actor", "number"], name="audit_actor")
        ),
    ]
