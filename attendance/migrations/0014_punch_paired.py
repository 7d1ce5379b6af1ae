from datetime import timedelta
from itertools import groupby, islice, pairwise
from operator import itemgetter

from django.db import migrations, models

LONGEST = timedelta(hours=24)


def pair_all(apps, schema_editor):
    """What Punch.pair_again() keeps from now on, for what was written before."""
    punches = apps.get_model("attendance", "Punch").objects
    rows = punches.filter(voided_at=None).order_by("person_id", "at", "pk")
    paired = []
    for _, own in groupby(rows.values_list("person_id", "pk", "direction", "at").iterator(), key=itemgetter(0)):
        for (_, came, first, since), (_, left, second, until) in pairwise(own):
            if (first, second) == ("in", "out") and until - since <= LONGEST:
                paired += [came, left]
    keys = iter(paired)
    while some := list(islice(keys, 500)):
        punches.filter(pk__in=some).update(paired=True)


class Migration(migrations.Migration):

    dependencies = [
        ('attendance', '0013_schedule_groups'),
    ]

    operations = [
        migrations.AddField(
            model_name='punch',
            name='paired',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddIndex(
            model_name='punch',
            index=models.Index(fields=['paired', 'voided_at', 'at'], name='punches_alone'),
        ),
        migrations.AddIndex(
            model_name='punch',
            index=models.Index(fields=['at', 'voided_at', 'direction', 'person'], name='punches_of_day'),
        ),
        migrations.AlterField(
            model_name='punch',
            name='at',
            field=models.DateTimeField(),
        ),
        migrations.RunPython(pair_all, migrations.RunPython.noop),
    ]
