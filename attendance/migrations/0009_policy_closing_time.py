from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('attendance', '0008_policy_closing'),
    ]

    operations = [
        migrations.AddField(
            model_name='attendancepolicy',
            name='closing_time',
            field=models.TimeField(blank=True, null=True, verbose_name='time of day at which it is closed'),
        ),
    ]
