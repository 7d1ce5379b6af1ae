from django.urls import path

from attendance import views
from attendance.reports import views as report_views
from attendance.schedules import views as schedule_views

app_name = "attendance"

urlpatterns = [
    path("", views.who_is_in, name="who_is_in"),
    path("inside/", views.inside, name="inside"),
    path("days/", report_views.days, name="days"),
    path("days/export.csv", report_views.export_csv, name="export_csv"),
    path("days/export.xlsx", report_views.export_xlsx, name="export_xlsx"),
    path("days/export.ics", report_views.export_ics, name="export_ics"),
    path("people/<uuid:uuid>/", report_views.person, name="person"),
    path("people/<uuid:uuid>/export.csv", report_views.person_csv, name="person_csv"),
    path("people/<uuid:uuid>/export.xlsx", report_views.person_xlsx, name="person_xlsx"),
    path("people/<uuid:uuid>/export.ics", report_views.person_ics, name="person_ics"),
    path("open/", views.open_days, name="open"),
    path("punches/new/", views.enter, name="enter"),
    path("punches/<uuid:uuid>/void/", views.void, name="void"),
    path("policy/", views.policy, name="policy"),
    path("schedules/", schedule_views.schedules, name="schedules"),
    path("schedules/new/", schedule_views.schedule, name="new_schedule"),
    path("schedules/<int:pk>/", schedule_views.schedule, name="schedule"),
    path("schedules/<int:pk>/delete/", schedule_views.delete_schedule, name="delete_schedule"),
    path("days-off/<int:pk>/delete/", schedule_views.delete_day_off, name="delete_day_off"),
]
