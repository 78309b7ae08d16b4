"""What runs as long as the bot does: one duty a module."""
