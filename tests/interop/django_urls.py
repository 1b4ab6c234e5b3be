"""The addresses of the Django portal."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path


def me(request: HttpRequest) -> JsonResponse:
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({"name": None}, status=401)
    return JsonResponse({"name": user.get_username(), "first": user.first_name})


def failed(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"failed": True}, status=403)


urlpatterns = [
    path("oidc/", include("mozilla_django_oidc.urls")),
    path("me", me),
    path("failed", failed),
]
