"""The registry of OAuth2 providers, as data: addresses, scopes and names. How each answers is in ``userinfo.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbhost.errors import JSON

if TYPE_CHECKING:
    from pbhost.services import OAuth2User


@dataclass(frozen=True, slots=True)
class Provider:
    """The defaults of one OAuth2 provider.

    ``order`` sorts the dashboard's list; ``color`` and ``mark`` make its logo; an empty address must be configured
    per collection. ``headers`` go with the user-info request, ``{client_id}`` in them is filled in. ``graphql`` is
    the query of providers that answer user info to a POST.
    """

    name: str
    display_name: str
    order: int
    auth_url: str = ""
    token_url: str = ""
    user_info_url: str = ""
    scopes: tuple[str, ...] = ()
    pkce: bool = True
    response_mode: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    graphql: str = ""
    color: str = "#444444"
    mark: str = ""

    @property
    def logo(self) -> str:
        """Inline SVG text: the provider's initials on its colour."""
        mark = self.mark or self.display_name[:1].upper()
        size = 13 if len(mark) == 1 else 9
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">'
            f'<rect width="24" height="24" rx="5" fill="{self.color}"/>'
            f'<text x="12" y="12" dy="0.36em" text-anchor="middle" font-family="sans-serif" font-weight="700" '
            f'font-size="{size}" fill="#fff">{mark}</text></svg>'
        )

    def map_user(self, raw: Mapping[str, JSON], token: Mapping[str, JSON]) -> OAuth2User:
        """See :class:`pbhost.services.OAuth2Provider`."""
        from builtin_auth.oauth2.userinfo import map_user

        return map_user(self.name, raw, token)


_GOOGLE = "https://www.googleapis.com/auth/userinfo."
_LINEAR_QUERY = "query { viewer { id displayName name email avatarUrl active } }"
_MONDAY_QUERY = "query { me { id enabled name email is_verified photo_small } }"
_OIDC_SCOPES = ("openid", "email", "profile")

PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(
            "apple",
            "Apple",
            1,
            "https://appleid.apple.com/auth/authorize",
            "https://appleid.apple.com/auth/token",
            scopes=("name", "email"),
            response_mode="form_post",
            color="#111111",
        ),
        Provider(
            "google",
            "Google",
            2,
            "https://accounts.google.com/o/oauth2/v2/auth",
            "https://oauth2.googleapis.com/token",
            "https://www.googleapis.com/oauth2/v3/userinfo",
            (f"{_GOOGLE}profile", f"{_GOOGLE}email"),
            color="#4285f4",
        ),
        Provider(
            "microsoft",
            "Microsoft",
            3,
            "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
            "https://login.microsoftonline.com/common/oauth2/v2.0/token",
            "https://graph.microsoft.com/v1.0/me",
            ("User.Read",),
            color="#0078d4",
            mark="Ms",
        ),
        Provider(
            "yandex",
            "Yandex",
            4,
            "https://oauth.yandex.com/authorize",
            "https://oauth.yandex.com/token",
            "https://login.yandex.ru/info",
            ("login:email", "login:avatar", "login:info"),
            color="#fc3f1d",
        ),
        Provider(
            "facebook",
            "Facebook",
            5,
            "https://www.facebook.com/v3.2/dialog/oauth",
            "https://graph.facebook.com/v3.2/oauth/access_token",
            "https://graph.facebook.com/me?fields=name,email,picture.type(large)",
            ("email",),
            color="#1877f2",
            mark="f",
        ),
        Provider(
            "instagram2",
            "Instagram",
            6,
            "https://www.instagram.com/oauth/authorize",
            "https://api.instagram.com/oauth/access_token",
            "https://graph.instagram.com/me?fields=id,username,account_type,user_id,name,profile_picture_url,"
            "followers_count,follows_count,media_count",
            ("instagram_business_basic",),
            color="#c13584",
            mark="Ig",
        ),
        Provider(
            "github",
            "GitHub",
            7,
            "https://github.com/login/oauth/authorize",
            "https://github.com/login/oauth/access_token",
            "https://api.github.com/user",
            ("read:user", "user:email"),
            color="#24292f",
            mark="GH",
        ),
        Provider(
            "gitlab",
            "GitLab",
            8,
            "https://gitlab.com/oauth/authorize",
            "https://gitlab.com/oauth/token",
            "https://gitlab.com/api/v4/user",
            ("read_user",),
            color="#e24329",
            mark="GL",
        ),
        Provider(
            "bitbucket",
            "Bitbucket",
            9,
            "https://bitbucket.org/site/oauth2/authorize",
            "https://bitbucket.org/site/oauth2/access_token",
            "https://api.bitbucket.org/2.0/user",
            ("account",),
            pkce=False,
            color="#0052cc",
            mark="BB",
        ),
        Provider(
            "gitee",
            "Gitee",
            10,
            "https://gitee.com/oauth/authorize",
            "https://gitee.com/oauth/token",
            "https://gitee.com/api/v5/user",
            ("user_info", "emails"),
            color="#c71d23",
            mark="Ge",
        ),
        Provider(
            "gitea",
            "Gitea/Forgejo",
            11,
            "https://gitea.com/login/oauth/authorize",
            "https://gitea.com/login/oauth/access_token",
            "https://gitea.com/api/v1/user",
            ("read:user", "user:email"),
            color="#609926",
            mark="Gt",
        ),
        Provider(
            "discord",
            "Discord",
            12,
            "https://discord.com/api/oauth2/authorize",
            "https://discord.com/api/oauth2/token",
            "https://discord.com/api/users/@me",
            ("identify", "email"),
            color="#5865f2",
        ),
        Provider(
            "twitter",
            "X/Twitter",
            13,
            "https://x.com/i/oauth2/authorize",
            "https://api.x.com/2/oauth2/token",
            "https://api.x.com/2/users/me?user.fields=id,name,username,profile_image_url,confirmed_email",
            ("users.read", "users.email", "tweet.read"),
            color="#0f1419",
        ),
        Provider(
            "kakao",
            "Kakao",
            14,
            "https://kauth.kakao.com/oauth/authorize",
            "https://kauth.kakao.com/oauth/token",
            "https://kapi.kakao.com/v2/user/me",
            ("account_email", "profile_nickname", "profile_image"),
            color="#b59b00",
        ),
        Provider(
            "vk",
            "ВКонтакте",
            15,
            "https://oauth.vk.com/authorize",
            "https://oauth.vk.com/access_token",
            "https://api.vk.com/method/users.get?fields=photo_max,screen_name&v=5.131",
            ("email",),
            pkce=False,
            color="#0077ff",
            mark="VK",
        ),
        Provider(
            "linear",
            "Linear",
            16,
            "https://linear.app/oauth/authorize",
            "https://api.linear.app/oauth/token",
            "https://api.linear.app/graphql",
            ("read",),
            pkce=False,
            graphql=_LINEAR_QUERY,
            color="#5e6ad2",
        ),
        Provider(
            "notion",
            "Notion",
            17,
            "https://api.notion.com/v1/oauth/authorize",
            "https://api.notion.com/v1/oauth/token",
            "https://api.notion.com/v1/users/me",
            headers=(("Notion-Version", "2022-06-28"),),
            color="#191919",
        ),
        Provider(
            "monday",
            "monday.com",
            18,
            "https://auth.monday.com/oauth2/authorize",
            "https://auth.monday.com/oauth2/token",
            "https://api.monday.com/v2",
            ("me:read",),
            graphql=_MONDAY_QUERY,
            color="#ff3d57",
        ),
        Provider(
            "lark",
            "Lark",
            19,
            "https://accounts.feishu.cn/open-apis/authen/v1/authorize",
            "https://open.feishu.cn/open-apis/authen/v2/oauth/token",
            "https://open.feishu.cn/open-apis/authen/v1/user_info",
            color="#3370ff",
        ),
        Provider(
            "box",
            "Box",
            20,
            "https://account.box.com/api/oauth2/authorize",
            "https://api.box.com/oauth2/token",
            "https://api.box.com/2.0/users/me",
            ("root_readonly",),
            color="#0061d5",
        ),
        Provider(
            "spotify",
            "Spotify",
            21,
            "https://accounts.spotify.com/authorize",
            "https://accounts.spotify.com/api/token",
            "https://api.spotify.com/v1/me",
            ("user-read-private",),
            color="#1db954",
        ),
        Provider(
            "trakt",
            "Trakt",
            22,
            "https://trakt.tv/oauth/authorize",
            "https://api.trakt.tv/oauth/token",
            "https://api.trakt.tv/users/settings",
            headers=(
                ("Content-Type", "application/json"),
                ("trakt-api-key", "{client_id}"),
                ("trakt-api-version", "2"),
            ),
            color="#ed1c24",
        ),
        Provider(
            "twitch",
            "Twitch",
            23,
            "https://id.twitch.tv/oauth2/authorize",
            "https://id.twitch.tv/oauth2/token",
            "https://api.twitch.tv/helix/users",
            ("user:read:email",),
            headers=(("Client-Id", "{client_id}"),),
            color="#9146ff",
            mark="Tw",
        ),
        Provider(
            "patreon",
            "Patreon",
            24,
            "https://www.patreon.com/oauth2/authorize",
            "https://www.patreon.com/api/oauth2/token",
            "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=full_name,email,vanity,image_url,"
            "is_email_verified",
            ("identity", "identity[email]"),
            color="#f1465a",
        ),
        Provider(
            "strava",
            "Strava",
            25,
            "https://www.strava.com/oauth/authorize",
            "https://www.strava.com/api/v3/oauth/token",
            "https://www.strava.com/api/v3/athlete",
            ("profile:read_all",),
            color="#fc4c02",
        ),
        Provider(
            "wakatime",
            "WakaTime",
            26,
            "https://wakatime.com/oauth/authorize",
            "https://wakatime.com/oauth/token",
            "https://wakatime.com/api/v1/users/current",
            ("email",),
            color="#20282d",
        ),
        Provider(
            "livechat",
            "LiveChat",
            27,
            "https://accounts.livechat.com/",
            "https://accounts.livechat.com/token",
            "https://accounts.livechat.com/v2/accounts/me",
            color="#ff5100",
            mark="LC",
        ),
        Provider("mailcow", "mailcow", 28, scopes=("profile",), color="#f5a623"),
        Provider(
            "planningcenter",
            "Planning Center",
            29,
            "https://api.planningcenteronline.com/oauth/authorize",
            "https://api.planningcenteronline.com/oauth/token",
            "https://api.planningcenteronline.com/people/v2/me",
            ("people",),
            color="#2266f7",
            mark="PC",
        ),
        Provider("oidc", "OIDC", 99, scopes=_OIDC_SCOPES, color="#f78c40", mark="ID"),
        Provider("oidc2", "OIDC", 99, scopes=_OIDC_SCOPES, color="#f78c40", mark="ID"),
        Provider("oidc3", "OIDC", 99, scopes=_OIDC_SCOPES, color="#f78c40", mark="ID"),
    )
}
