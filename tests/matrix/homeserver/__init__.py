"""A real Synapse, from a virtual environment of its own; a child process of the tests."""

from tests.matrix.homeserver.server import Homeserver

__all__ = ["Homeserver"]
