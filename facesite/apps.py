from django.apps import AppConfig


class FacesiteConfig(AppConfig):
    name = "facesite"
    verbose_name = "facesite"
