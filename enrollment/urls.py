from django.urls import path

from enrollment import views

app_name = "enrollment"

urlpatterns = [
    path("", views.enroll, name="enroll"),
    path("upload/", views.upload, name="upload"),
    path("people/", views.people, name="people"),
    path("people/search.json", views.people_search, name="people_search"),
    path("people/<uuid:uuid>/", views.person, name="person"),
    path("people/<uuid:uuid>/capture/", views.capture, name="capture"),
    path("people/<uuid:uuid>/upload/", views.upload_to_person, name="upload_to_person"),
    path("people/<uuid:uuid>/active/", views.person_active, name="person_active"),
    path("people/<uuid:uuid>/erase/", views.erase, name="erase"),
    path("samples/<uuid:uuid>.jpg", views.sample_image, name="sample_image"),
    path("samples/<uuid:uuid>/remove/", views.remove_sample, name="remove_sample"),
]
