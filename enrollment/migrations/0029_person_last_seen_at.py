from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0028_people_by_enrolment'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='person',
            name='last_seen_at',
            field=models.DateTimeField(editable=False, help_text='verification/sightings.py keeps it.', null=True),
        ),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(fields=['-last_seen_at', 'name', 'id'], name='people_seen_last_first'),
        ),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(fields=['last_seen_at', 'name', 'id'], name='people_unseen_for_longest'),
        ),
    ]
