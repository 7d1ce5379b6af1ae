from django.db import migrations

CHUNK = 1_000
FIRST_VERSION = "2025-1"
"""The text that migration 0009 brought in; every other name was a site's own."""
FOLDER_IMPORT = "folder-import"
"""What enroll_folder wrote: nobody had been asked here, so no consent was recorded."""


def record_consents(apps, schema_editor):
    """One record for each person, from the two columns that the next migrations remove."""
    alias = schema_editor.connection.alias
    people = apps.get_model("enrollment", "Person").objects.using(alias).filter(consents=None).order_by("pk")
    records = apps.get_model("enrollment", "ConsentRecord")
    first = apps.get_model("enrollment", "ConsentText").objects.using(alias).get(language="en", number=1)
    last = 0
    while chunk := list(people.filter(pk__gt=last)[:CHUNK]):
        records.objects.using(alias).bulk_create(record_of(records, person, first) for person in chunk)
        last = chunk[-1].pk


def record_of(records, person, first):
    version = person.consent_version
    if version == FOLDER_IMPORT:
        return records(person=person, how="imported_without", recorded_at=person.consent_given_at)
    known = version == FIRST_VERSION
    return records(
        person=person,
        text=first if known else None,
        how="ticked",
        legal_basis="consent",
        note="" if known else f'Text version "{version}" of an earlier release',
        given_at=person.consent_given_at,
        given_to_id=person.created_by_id,
        recorded_at=person.consent_given_at,
    )


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0011_consent_record")]
    operations = [migrations.RunPython(record_consents, migrations.RunPython.noop)]
