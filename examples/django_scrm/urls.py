"""The URLs of the example."""

from django.urls import path
from scrm import views

urlpatterns = [path("members/<str:member_id>/claims/", views.claim)]
