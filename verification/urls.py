from django.urls import path

from verification import views

app_name = "verification"

urlpatterns = [
    path("", views.live, name="live"),
    path("photo/", views.photo, name="photo"),
    path("attempts/", views.attempts, name="attempts"),
    path("attempts/export.csv", views.export, name="export"),
    path("attempts/<uuid:uuid>/", views.attempt, name="attempt"),
]
