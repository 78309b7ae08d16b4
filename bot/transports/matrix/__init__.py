"""Matrix: the only room that may import `nio`. Empty so far."""
