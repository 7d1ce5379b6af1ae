import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('attendance', '0009_policy_closing_time'),
    ]

    operations = [
        migrations.AddField(
            model_name='punch',
            name='policy',
            field=models.ForeignKey(editable=False, help_text='The rule that closed the day, and so who made it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='attendance.attendancepolicy'),
        ),
    ]
