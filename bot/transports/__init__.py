"""Where messages come from and replies go. A transport translates, it never decides."""
