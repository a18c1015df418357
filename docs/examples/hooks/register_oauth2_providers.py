"""A provider that PocketBase does not have: its addresses, and what its answer means."""

from dataclasses import dataclass

from pbhost import hookimpl
from pbhost.services import OAuth2User


@dataclass(frozen=True)
class Campus:
    name: str = "campus"
    display_name: str = "Campus"
    order: int = 100
    logo: str = "<svg xmlns='http://www.w3.org/2000/svg'/>"
    auth_url: str = "https://sso.campus.example/authorize"
    token_url: str = "https://sso.campus.example/token"  # noqa: S105
    user_info_url: str = "https://sso.campus.example/me"
    scopes: tuple = ("profile",)
    pkce: bool = True
    response_mode: str = ""
    headers: tuple = ()
    graphql: str = ""

    def map_user(self, raw, token):
        return OAuth2User(
            id=str(raw["id"]), name=str(raw.get("name", "")), email=str(raw.get("mail", "")), raw_user=dict(raw)
        )


@hookimpl
def register_oauth2_providers(app):
    return [Campus()]
