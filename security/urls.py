from __future__ import annotations

from django.urls import URLPattern, path

from security.operators import views as operator_views
from security.roles import views as role_views

app_name = "security"
urlpatterns: list[URLPattern] = [
    path("site/", operator_views.site, name="site"),
    path("site/operators/", operator_views.operators, name="operators"),
    path("site/operators/new/", operator_views.new_operator, name="new_operator"),
    path("site/operators/<int:pk>/", operator_views.operator, name="operator"),
    path("site/approvals/", role_views.approvals, name="approvals"),
    path("site/approvals/<int:pk>/", role_views.answer, name="approval"),
]
