from django.urls import path

from enrollment import views

app_name = "enrollment"

urlpatterns = [
    path("", views.enroll, name="enroll"),
    path("people/", views.people, name="people"),
    path("people/search.json", views.people_search, name="people_search"),
    path("people/<uuid:uuid>/", views.person, name="person"),
    path("people/<uuid:uuid>/capture/", views.capture, name="capture"),
]
