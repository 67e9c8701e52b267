"""Hypothesis for busy machines: what a test draws must not depend on how fast it is drawn."""

from hypothesis import HealthCheck, settings

settings.register_profile("contract", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("contract")
