from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0016_privacy_notice'),
    ]

    operations = [
        migrations.CreateModel(
            name='ErasureReceipt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person_uuid', models.UUIDField(db_index=True)),
                ('erased_at', models.DateTimeField()),
                ('statement', models.JSONField(help_text='What is signed: ids, counts, and a salted hash of the name.')),
                ('signature', models.CharField(help_text='Ed25519, base64.', max_length=100)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
    ]
