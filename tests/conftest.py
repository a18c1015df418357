"""What holds for every test."""

from hypothesis import HealthCheck, settings

# How long a case takes to make or to run says something about the machine, not about the code.
settings.register_profile("pbhost", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pbhost")
