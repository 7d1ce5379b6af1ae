from django.db import migrations

TEXT = (
    "I agree that pictures of my face are taken and kept on this server, and that a numeric description of my face is "
    "computed from them, so that I can be recognised at this site's cameras.",
    "The pictures and the description are used for nothing else and are not passed on to anybody.",
    "Each decision about me is written to a history with its time and a small picture.",
    "I may withdraw at any time. My pictures, their descriptions and the small pictures in the history are then "
    "erased for good.",
)
"""What enrollment/consent.py held as version "2025-1"."""


def bring_text(apps, schema_editor):
    texts = apps.get_model("enrollment", "ConsentText").objects.using(schema_editor.connection.alias)
    texts.get_or_create(language="en", number=1, defaults={"body": "\n\n".join(TEXT)})


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0009_consent_text")]
    operations = [migrations.RunPython(bring_text, migrations.RunPython.noop)]
