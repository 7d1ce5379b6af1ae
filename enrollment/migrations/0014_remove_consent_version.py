from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0013_remove_consent_given_at'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='person',
            name='consent_version',
        ),
    ]
