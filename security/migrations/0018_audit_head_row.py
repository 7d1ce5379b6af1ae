"""The row that every writer of the audit trail locks: there from the beginning, so that no two make it at once."""

from django.db import migrations


def make_row(apps, schema_editor):
    apps.get_model("security", "AuditHead").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("security", "0017_audit_by_action")]

    operations = [migrations.RunPython(make_row, migrations.RunPython.noop)]
