"""Matrix as the tests meet it: a real homeserver, people with real clients, and a proxy that breaks what passes."""

from tests.matrix.homeserver import Homeserver
from tests.matrix.people import Person
from tests.matrix.proxy import Fault, Proxy

__all__ = ["Fault", "Homeserver", "Person", "Proxy"]
