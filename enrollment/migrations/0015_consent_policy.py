import django.core.validators
import django.db.models.deletion
import enrollment.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0014_remove_consent_version'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bases', models.JSONField(default=enrollment.models.default_bases, help_text='Which legal bases may be recorded.')),
                ('tick_required', models.BooleanField(default=True, help_text='Nobody is enrolled on a page without the tick.')),
                ('unticked_basis', models.CharField(blank=True, choices=[('consent', 'Consent'), ('contract', 'Contract'), ('other', 'Another legal basis')], max_length=10)),
                ('unticked_note', models.CharField(blank=True, max_length=300)),
                ('months', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(120)])),
                ('grace_days', models.PositiveSmallIntegerField(default=14, validators=[django.core.validators.MaxValueValidator(90)])),
                ('saved_at', models.DateTimeField(auto_now_add=True)),
                ('saved_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'consent policies',
                'ordering': ['-id'],
            },
        ),
    ]
