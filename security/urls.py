from __future__ import annotations

from django.urls import URLPattern, path

from security.audit import views as audit

app_name = "security"
urlpatterns: list[URLPattern] = [
    path("audit/", audit.audit, name="audit"),
    path("audit/verify/", audit.verify, name="audit_verify"),
    path("audit/export.csv", audit.table, name="audit_table"),
    path("audit/export.jsonl", audit.chain, name="audit_chain"),
]
