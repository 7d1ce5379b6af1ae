import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('security', '0003_operators_get_roles'),
        ('security', '0005_sign_in'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SecondFactor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('confirmed', models.BooleanField(default=False)),
                ('sealed_secret', models.TextField(help_text='Sealed by sign_in/sealing.py.')),
                ('last_step', models.BigIntegerField(default=0, help_text='Half minutes since 1970: no code of it or before counts.')),
                ('created_at', models.DateTimeField()),
                ('operator', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('operator', 'confirmed'), name='one_second_factor_of_an_operator')],
            },
        ),
    ]
