from django.urls import path

from verification import views
from verification.accuracy import views as calibration_views
from verification.review import feedback_views, unknown_views

app_name = "verification"

urlpatterns = [
    path("", views.live, name="live"),
    path("photo/", views.photo, name="photo"),
    path("calibration/", calibration_views.calibration, name="calibration"),
    path("calibration/<int:pk>/again/", calibration_views.use_again, name="use_policy_again"),
    path("calibration/what-if/", calibration_views.what_if, name="what_if"),
    path("attempts/", views.attempts, name="attempts"),
    path("attempts/export.csv", views.export, name="export"),
    path("attempts/<uuid:uuid>/", views.attempt, name="attempt"),
    path("attempts/<uuid:uuid>/not-this-person/", feedback_views.false_match, name="false_match"),
    path("false-matches/<uuid:uuid>/undo/", feedback_views.undo_false_match, name="undo_false_match"),
    path("unknown/", unknown_views.inbox, name="unknown"),
    path("unknown/faces/", unknown_views.cluster, name="unknown_cluster"),
    path("unknown/unlock/", unknown_views.unlock, name="unlock_unknown"),
    path("unknown/policy/", unknown_views.save_policy, name="unknown_policy"),
    path("unknown/actions/<uuid:uuid>/undo/", unknown_views.undo, name="undo_inbox_action"),
]
