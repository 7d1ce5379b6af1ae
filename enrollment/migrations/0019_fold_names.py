from django.db import migrations

from enrollment.models import folded_name
from enrollment.naming import tidy

CHUNK = 1_000


def fold_names(apps, schema_editor):
    """Fill the column, and write names as they are written from now on (NFC). An external ID stays: it is unique."""
    alias = schema_editor.connection.alias
    people = apps.get_model("enrollment", "Person").objects.using(alias).order_by("pk")
    last = 0
    while chunk := list(people.filter(pk__gt=last)[:CHUNK]):
        for person in chunk:
            person.name = tidy(person.name)[:200] or person.name
            person.folded = folded_name(person.name, person.external_id)
        people.model.objects.using(alias).bulk_update(chunk, ["name", "folded"], batch_size=200)
        last = chunk[-1].pk


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0018_person_folded")]
    operations = [migrations.RunPython(fold_names, migrations.RunPython.noop)]
