"""Takes the name of a new user from the provider."""

from pbhost import hookimpl


@hookimpl(collections=["users"])
def on_record_auth_with_oauth2_request(event):
    if event.is_new_record:
        event.create_data.setdefault("name", event.oauth2_user.get("name", ""))
