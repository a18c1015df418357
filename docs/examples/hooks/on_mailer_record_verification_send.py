"""Sends the verification in the user's language."""

from pbhost import hookimpl

SUBJECTS = {"de": "Bitte bestätige deine Adresse", "fr": "Confirmez votre adresse"}


@hookimpl(collections=["users"])
def on_mailer_record_verification_send(event):
    language = event.record.get("language")
    event.message.subject = SUBJECTS.get(language, event.message.subject)
