"""From a base to labelled texts, and which of them are copies of each other."""
