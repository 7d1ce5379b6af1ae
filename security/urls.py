from __future__ import annotations

from django.urls import URLPattern, path

from security.audit import views as audit
from security.keys import views as key_views
from security.operators import views as operator_views
from security.retention import views as retention_views
from security.roles import views as role_views
from security.sign_in import openid_views, second_factor_views, views

app_name = "security"
urlpatterns: list[URLPattern] = [
    path("audit/", audit.audit, name="audit"),
    path("audit/verify/", audit.verify, name="audit_verify"),
    path("audit/export.csv", audit.table, name="audit_table"),
    path("audit/export.jsonl", audit.chain, name="audit_chain"),
    path("site/", operator_views.site, name="site"),
    path("site/operators/", operator_views.operators, name="operators"),
    path("site/operators/new/", operator_views.new_operator, name="new_operator"),
    path("site/operators/<int:pk>/", operator_views.operator, name="operator"),
    path("site/api-keys/", key_views.api_keys, name="api_keys"),
    path("site/api-keys/new/", key_views.new_api_key, name="new_api_key"),
    path("site/api-keys/<int:pk>/revoke/", key_views.revoke_api_key, name="revoke_api_key"),
    path("site/approvals/", role_views.approvals, name="approvals"),
    path("site/approvals/<int:pk>/", role_views.answer, name="approval"),
    path("site/retention/", retention_views.retention, name="retention"),
    path("site/retention/run/", retention_views.run, name="run_retention"),
]
account_urls = [
    path("", views.account, name="home"),
    path("language/", views.language, name="language"),
    path("password/", views.password, name="password"),
    path("sign-ins/end/", views.end, name="end"),
    path("second-factor/", second_factor_views.set_up, name="second_factor"),
    path("second-factor/recovery-codes/", second_factor_views.new_codes, name="recovery_codes"),
    path("second-factor/off/", second_factor_views.switch_off, name="second_factor_off"),
]
"""The operator's own account, under account/ (namespace "account")."""
sign_in_urls = [
    path("login/code/", second_factor_views.code, name="code"),
    path("login/leave/", second_factor_views.leave, name="leave"),
    path("openid/", openid_views.begin, name="openid"),
    path("openid/callback/", openid_views.callback, name="openid_callback"),
]
"""Ways through a sign-in, under accounts/ (namespace "sign_in")."""
