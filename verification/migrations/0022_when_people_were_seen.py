from django.db import migrations
from django.db.models import Exists, OuterRef, Subquery


def look_up(apps, schema_editor):
    """What verification/sightings.py keeps from now on, for attempts that were there before."""
    alias = schema_editor.connection.alias
    wrong = apps.get_model("verification", "FalseMatch").objects.filter(attempt=OuterRef("pk"), undone_at=None)
    attempts = apps.get_model("verification", "VerificationAttempt").objects
    seen = attempts.filter(~Exists(wrong), matched_person=OuterRef("pk")).order_by("-created_at")
    people = apps.get_model("enrollment", "Person").objects.using(alias)
    people.update(last_seen_at=Subquery(seen.values("created_at")[:1]))


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0029_person_last_seen_at"), ("verification", "0021_who_was_named_when")]
    operations = [migrations.RunPython(look_up, migrations.RunPython.noop)]
