import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0008_person_key'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(help_text='en, de, fr-ca ...', max_length=10)),
                ('number', models.PositiveIntegerField(help_text='1, 2, 3 ... in each language.')),
                ('body', models.TextField(help_text='Plain text; an empty line begins a new paragraph.', max_length=20000)),
                ('saved_at', models.DateTimeField(auto_now_add=True)),
                ('saved_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['language', '-number'],
                'constraints': [models.UniqueConstraint(fields=('language', 'number'), name='one_text_per_language_and_number')],
            },
        ),
    ]
