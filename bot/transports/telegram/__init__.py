"""Telegram: the only room that may import `telegram`. Empty so far."""
