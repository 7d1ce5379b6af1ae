from django.urls import path

from attendance import views

app_name = "attendance"

urlpatterns = [
    path("", views.who_is_in, name="who_is_in"),
    path("days/", views.days, name="days"),
    path("days/export.csv", views.export_csv, name="export_csv"),
    path("days/export.xlsx", views.export_xlsx, name="export_xlsx"),
    path("punches/new/", views.enter, name="enter"),
    path("punches/<uuid:uuid>/void/", views.void, name="void"),
    path("policy/", views.policy, name="policy"),
]
