"""Faults of the settings, the directory and what should have happened, made on purpose."""

from __future__ import annotations

from tests.doctor.faults import (
    ADVICE,
    ERROR,
    META,
    S3,
    SMTP,
    WARNING,
    Fault,
    set_environment,
)

FAULTS = [
    # settings
    Fault(
        "a secret as plain text",
        lambda i: i.settings(smtp={"password": "x"}),
        "operations.secrets",
        WARNING,
        "smtp.password",
    ),
    Fault(
        "a key that is not there",
        lambda i: i.flags.update(encryption_env="PB_NO_KEY"),
        "operations.secrets",
        ERROR,
        "PB_NO_KEY",
    ),
    Fault(
        "a key that is too long",
        lambda i: set_environment(i, "PB_KEY", "x" * 33),
        "operations.secrets",
        ERROR,
        "has 33 bytes",
    ),
    Fault(
        "a key of one letter",
        lambda i: set_environment(i, "PB_KEY", "x" * 32),
        "operations.secrets",
        WARNING,
        "1 different",
    ),
    Fault(
        "settings of another key",
        lambda i: i.sql("UPDATE _params SET value = 'c2VhbGVk'"),
        "settings",
        ERROR,
        "missing encryption key",
    ),
    Fault(
        "settings of the wrong type",
        lambda i: i.settings(smtp={"port": "many"}),
        "settings",
        ERROR,
        "smtp.port must be an integer",
    ),
    Fault(
        "mail without TLS",
        lambda i: i.settings(smtp={**SMTP, "port": 587, "tls": False}, meta=META),
        "operations.connections",
        ADVICE,
        "mail.example.org:587",
    ),
    Fault(
        "a password without TLS",
        lambda i: i.settings(smtp={**SMTP, "tls": False, "authMethod": "LOGIN", "username": "me"}, meta=META),
        "operations.connections",
        WARNING,
        "only if that server offers it",
    ),
    Fault(
        "S3 without TLS",
        lambda i: i.settings(s3={**S3, "endpoint": "http://s3.example.org"}),
        "operations.connections",
        WARNING,
        "s3: the endpoint http://s3.example.org",
    ),
    Fault(
        "links to nowhere",
        lambda i: i.settings(smtp=SMTP),
        "operations.mail",
        WARNING,
        "mails link to http://localhost:8090",
    ),
    Fault(
        "links without TLS",
        lambda i: i.settings(smtp=SMTP, meta={**META, "appURL": "http://app.example.org"}),
        "operations.mail",
        WARNING,
        "is not encrypted",
    ),
    Fault(
        "a sender of nowhere",
        lambda i: i.settings(smtp=SMTP, meta={"appURL": META["appURL"]}),
        "operations.mail",
        WARNING,
        "support@example.com",
    ),
    Fault(
        "no limits in public", lambda i: i.flags.update(http="0.0.0.0:80"), "operations.limits", ADVICE, "switched off"
    ),
    Fault(
        "limits that leave sign-in out",
        lambda i: i.settings(
            rateLimits={
                "enabled": True,
                "rules": [{"label": "*:create", "audience": "", "duration": 1, "maxRequests": 9}],
            },
            trustedProxy={"headers": ["X-Real-IP"]},
        ),
        "operations.limits",
        WARNING,
        "no rate limit is for sign-in",
    ),
    Fault(
        "limits for the proxy",
        lambda i: i.settings(rateLimits={"enabled": True}),
        "operations.limits",
        WARNING,
        "no proxy header is trusted",
    ),
    Fault(
        "a header that anybody sets",
        lambda i: (i.flags.update(http="0.0.0.0:80"), i.settings(trustedProxy={"headers": ["X-Real-IP"]})),
        "operations.proxy",
        WARNING,
        "X-Real-IP is trusted",
    ),
    Fault(
        "the address that the client says",
        lambda i: i.settings(trustedProxy={"headers": ["X-Forwarded-For"], "useLeftmostIP": True}),
        "operations.proxy",
        WARNING,
        "leftmost",
    ),
    Fault("no TLS", lambda i: i.flags.update(http="0.0.0.0:80"), "operations.proxy", ADVICE, "without TLS"),
    Fault(
        "batches without bound",
        lambda i: i.settings(batch={"enabled": True, "maxRequests": 50_000}),
        "operations.sizes",
        ADVICE,
        "50,000 requests",
    ),
    Fault(
        "origins that end anywhere",
        lambda i: i.flags.update(origins=("https://*example.com",)),
        "operations.sizes",
        ADVICE,
        "CORS",
    ),
    # the directory
    Fault(
        "a backup larger than the disk",
        lambda i: i.put("backups/huge.zip", size=7 << 40),
        "operations.disk",
        WARNING,
        "largest backup",
    ),
    Fault(
        "a database for everyone",
        lambda i: (i.path / "data.db").chmod(0o644),
        "operations.permissions",
        WARNING,
        "can read data.db",
    ),
    Fault("a directory for everyone", lambda i: i.path.chmod(0o777), "operations.permissions", ERROR, "can write to"),
    Fault(
        "a backup that was broken off",
        lambda i: i.put(".pb_temp_to_delete/backup_x", days_ago=1),
        "operations.leftovers",
        ADVICE,
        "1 unfinished",
    ),
    # what should have happened
    Fault(
        "no backup",
        lambda i: (i.path / "backups/first.zip").unlink(),
        "operations.backups",
        ADVICE,
        "there is no backup",
    ),
    Fault(
        "an old backup",
        lambda i: i.put("backups/first.zip", days_ago=40),
        "operations.backups",
        ADVICE,
        "the newest backup is from",
    ),
    Fault(
        "an ancient backup",
        lambda i: i.put("backups/old.zip", days_ago=400),
        "operations.backups",
        ADVICE,
        "more than a year old",
    ),
    Fault(
        "backups that fail",
        lambda i: (i.settings(backups={"cron": "0 3 * * *"}), i.put("backups/@auto_pb_backup_acme_1.zip", days_ago=9)),
        "operations.backups",
        WARNING,
        "the newest automatic backup is from",
    ),
    Fault(
        "backups on one disk",
        lambda i: i.settings(backups={"cron": "0 3 * * *"}),
        "operations.backups",
        ADVICE,
        "on the disk",
    ),
    Fault("no logs", lambda i: i.settings(logs={"maxDays": 0}), "operations.logs", ADVICE, "no logs are kept"),
    Fault(
        "logs that are not deleted",
        lambda i: [
            i.sql(
                f"INSERT INTO _logs (created) VALUES (strftime('%Y-%m-%d %H:%M:%fZ', 'now', '-{days} days'))",
                file="auxiliary.db",
            )
            for days in (0, 30)
        ],
        "operations.logs",
        WARNING,
        "kept for 5 days",
    ),
    Fault(
        "a change of the future",
        lambda i: i.sql("UPDATE _collections SET updated = '2199-01-01 00:00:00.000Z' WHERE name = 'posts'"),
        "operations.clock",
        WARNING,
        "2199",
    ),
]
