"""Operators from before there were roles get one, so that everybody can work on after the upgrade.

Any login could enrol and verify: Receptionist. Staff with a permission to merge people or to set a policy: Manager.
Whoever had the permission to delete people: Privacy officer as well. Superusers need no role. What logins could do
without having been trusted with it (history, exports, unknown faces) is gone until an administrator gives the role for
it under Site, Operators.

The groups get their permissions after the last migration, from the table in roles/table.py (roles/groups.py).
"""

from django.db import migrations

MANAGES = ["view_person", "change_person", "add_verificationpolicy", "add_unknownpolicy"]


def give_roles(apps, schema_editor):
    using = schema_editor.connection.alias
    User, Group = apps.get_model("auth", "User"), apps.get_model("auth", "Group")
    groups = {
        name: Group.objects.using(using).get_or_create(name=name)[0]
        for name in ("Kiosk", "Receptionist", "Manager", "Privacy officer", "Administrator")
    }
    operators = User.objects.using(using).filter(is_superuser=False).exclude(groups__in=groups.values())
    for operator in operators.order_by("pk"):
        manages = operator.is_staff and has_one_of(using, operator, MANAGES)
        roles = [groups["Manager" if manages else "Receptionist"]]
        if has_one_of(using, operator, ["delete_person"]):
            roles.append(groups["Privacy officer"])
            User.objects.using(using).filter(pk=operator.pk).update(is_staff=True)
        operator.groups.add(*roles)


def has_one_of(using, operator, codenames):
    own = operator.user_permissions.using(using).filter(codename__in=codenames)
    theirs = operator.groups.using(using).filter(permissions__codename__in=codenames)
    return own.exists() or theirs.exists()


class Migration(migrations.Migration):
    dependencies = [
        ("security", "0002_approval"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give_roles, migrations.RunPython.noop)]
