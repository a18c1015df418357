"""Makes one-time codes that are easy to read out: six digits without repetition."""

from secrets import SystemRandom

from pbhost import hookimpl


@hookimpl(collections=["users"])
def on_record_request_otp_request(event):
    event.password = "".join(SystemRandom().sample("0123456789", 6))
