import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0010_first_consent_text'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('how', models.CharField(choices=[('ticked', 'Ticked here'), ('paper', 'On paper'), ('not_asked', 'Not asked'), ('imported_without', 'Imported without')], max_length=20)),
                ('legal_basis', models.CharField(blank=True, choices=[('consent', 'Consent'), ('contract', 'Contract'), ('other', 'Another legal basis')], help_text='Empty: none known.', max_length=10)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('given_at', models.DateTimeField(blank=True, help_text='Empty: nobody has agreed to anything.', null=True)),
                ('valid_until', models.DateField(blank=True, help_text='The last day; empty: until it is withdrawn.', null=True)),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('expired_at', models.DateTimeField(blank=True, help_text='When it was noticed that the last day is over.', null=True)),
                ('erase_on', models.DateField(blank=True, help_text='The person is erased on this day.', null=True)),
                ('was_active', models.BooleanField(default=True, help_text='Whether the person was searched when the consent ended.')),
                ('given_to', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='enrollment.person')),
                ('text', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.consenttext')),
                ('withdrawn_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['valid_until'], name='consent_valid_until'), models.Index(fields=['erase_on'], name='consent_erase_on')],
            },
        ),
    ]
