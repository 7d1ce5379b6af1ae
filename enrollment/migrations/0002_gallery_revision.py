from django.db import migrations


def create_row(apps, schema_editor):
    """The one row, before anybody writes: two first writers that both had to create it would deadlock on MySQL."""
    apps.get_model("enrollment", "GalleryRevision").objects.using(schema_editor.connection.alias).get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0001_initial")]
    operations = [migrations.RunPython(create_row, migrations.RunPython.noop)]
