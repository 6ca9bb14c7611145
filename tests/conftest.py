"""What holds for every test: none is timed, since a machine may be busy with other work."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
