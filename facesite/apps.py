from django.apps import AppConfig

from facesite.loop import install_uvloop

install_uvloop()  # here, because this app is set up before daphne


class FacesiteConfig(AppConfig):
    name = "facesite"
    verbose_name = "facesite"

    def ready(self) -> None:
        from facesite import checks  # noqa: F401  # importing them registers them
