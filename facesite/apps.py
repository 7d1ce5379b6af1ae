from django.apps import AppConfig


class FacesiteConfig(AppConfig):
    name = "facesite"
    verbose_name = "facesite"

    def ready(self) -> None:
        from facesite import checks  # noqa: F401  # importing them registers them
