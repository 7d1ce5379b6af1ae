from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('attendance', '0007_day_off'),
    ]

    operations = [
        migrations.AddField(
            model_name='attendancepolicy',
            name='closing',
            field=models.CharField(choices=[('open', 'Leave the day open until somebody enters it'), ('schedule', "Close it at the end of the person's schedule"), ('time', 'Close it at a time of day')], default='open', help_text='Once the day is over, and for open days of the last month too. Each can be taken back.', max_length=8, verbose_name='when somebody forgot to check out'),
        ),
    ]
