"""Telegram: private chats, groups, forum topics, channels. The only importer of telegram."""

import os

# Else the library warns at every 429 that it will change the type of `retry_after`.
os.environ.setdefault("PTB_TIMEDELTA", "true")
