from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0012_records_of_people'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='person',
            name='consent_given_at',
        ),
    ]
