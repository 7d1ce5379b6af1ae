from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('attendance', '0010_punch_policy'),
    ]

    operations = [
        migrations.AlterField(
            model_name='punch',
            name='reason',
            field=models.CharField(blank=True, help_text='Why it was entered by hand or by rule.', max_length=200),
        ),
        migrations.AlterField(
            model_name='punch',
            name='way',
            field=models.CharField(choices=[('face', 'Camera'), ('badge', 'PIN or badge number'), ('manual', 'By hand'), ('rule', 'By rule')], max_length=6),
        ),
    ]
