from django.urls import path

from enrollment import views
from enrollment.groups import views as group_views
from enrollment.hygiene import merge_views
from enrollment.hygiene import views as hygiene_views
from enrollment.importing import views as import_views
from enrollment.picked import views as picked_views
from enrollment.pictures import views as upload_views
from enrollment.rights import views as rights_views

app_name = "enrollment"

urlpatterns = [
    path("", views.enroll, name="enroll"),
    path("upload/", upload_views.upload, name="upload"),
    path("import/", import_views.import_people, name="import"),
    path("import/state/", import_views.state, name="import_state"),
    path("import/cancel/", import_views.cancel, name="import_cancel"),
    path("import/forget/", import_views.forget, name="import_forget"),
    path("import/report.csv", import_views.report, name="import_report"),
    path("import/example.csv", import_views.example, name="import_example"),
    path("people/", views.people, name="people"),
    path("people/picked/", picked_views.picked, name="picked"),
    path("people/search.json", views.people_search, name="people_search"),
    path("people/<uuid:uuid>/", views.person, name="person"),
    path("people/<uuid:uuid>/portrait.jpg", views.portrait, name="portrait"),
    path("people/<uuid:uuid>/capture/", views.capture, name="capture"),
    path("people/<uuid:uuid>/upload/", upload_views.upload_to_person, name="upload_to_person"),
    path("people/<uuid:uuid>/active/", views.person_active, name="person_active"),
    path("people/<uuid:uuid>/validity/", views.validity, name="validity"),
    path("people/<uuid:uuid>/erase/", views.erase, name="erase"),
    path("people/<uuid:uuid>/merge/", merge_views.merge_by_hand, name="merge"),
    path("people/<uuid:uuid>/groups/", group_views.of_person, name="groups_of_person"),
    path("groups/", group_views.groups, name="groups"),
    path("groups/<uuid:uuid>/", group_views.group, name="group"),
    path("groups/<uuid:uuid>/delete/", group_views.delete, name="delete_group"),
    path("people/<uuid:uuid>/consent/", rights_views.consent, name="consent"),
    path("people/<uuid:uuid>/consent/withdraw/", rights_views.withdraw, name="withdraw_consent"),
    path("people/<uuid:uuid>/consent/undo/", rights_views.undo, name="undo_withdrawal"),
    path("people/<uuid:uuid>/export/", rights_views.export, name="export_person"),
    path("receipts/<uuid:uuid>/", rights_views.receipt, name="receipt"),
    path("receipts/<uuid:uuid>/receipt.json", rights_views.receipt_file, {"kind": "json"}, name="receipt_json"),
    path("receipts/<uuid:uuid>/receipt.html", rights_views.receipt_file, {"kind": "html"}, name="receipt_html"),
    path("samples/<uuid:uuid>.jpg", views.sample_image, name="sample_image"),
    path("samples/<uuid:uuid>/portrait/", views.choose_portrait, name="choose_portrait"),
    path("samples/<uuid:uuid>/remove/", views.remove_sample, name="remove_sample"),
    path("samples/<uuid:uuid>/aside/", hygiene_views.set_aside, name="set_aside"),
    path("hygiene/", hygiene_views.report, name="hygiene"),
    path("hygiene/merge/", hygiene_views.merge, name="hygiene_merge"),
    path("hygiene/note/", hygiene_views.note_pair, name="hygiene_note"),
    path("hygiene/forget/", hygiene_views.forget_pair, name="hygiene_forget"),
    path("hygiene/actions/<uuid:uuid>/undo/", hygiene_views.undo, name="hygiene_undo"),
]
