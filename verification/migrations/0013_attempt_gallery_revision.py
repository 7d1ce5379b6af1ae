from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verification", "0012_pictures_by_age")]

    operations = [
        migrations.AddField(
            model_name="verificationattempt",
            name="gallery_revision",
            field=models.PositiveBigIntegerField(
                editable=False,
                help_text="Of the gallery that was searched; empty: decided before this was kept.",
                null=True,
            ),
        ),
    ]
