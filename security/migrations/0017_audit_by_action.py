from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("security", "0016_audit_by_actor")]

    operations = [
        migrations.AddIndex(
            model_name="auditevent", index=models.Index(fields=["action", "number"], name="audit_action")
        ),
    ]
