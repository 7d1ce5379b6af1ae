import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0024_import_run'),
    ]

    operations = [
        migrations.CreateModel(
            name='ImportLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('comparison_score', models.FloatField(null=True)),
                ('place', models.CharField(help_text='The folder, the file or the row.', max_length=255)),
                ('outcome', models.CharField(max_length=10)),
                ('code', models.CharField(blank=True, max_length=40)),
                ('message', models.CharField(blank=True, max_length=300)),
                ('is_problem', models.BooleanField(default=False, help_text='Somebody should look at it.')),
                ('other', models.ForeignKey(help_text='Who looks like this person.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='enrollment.person')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='enrollment.person')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='enrollment.importrun')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
    ]
