import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verification", "0013_attempt_gallery_revision")]

    operations = [
        migrations.AddField(
            model_name="verificationattempt",
            name="policy",
            field=models.ForeignKey(
                editable=False,
                help_text="The saved policy that decided; empty: the defaults, as nobody had saved one.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="verification.verificationpolicy",
            ),
        ),
    ]
