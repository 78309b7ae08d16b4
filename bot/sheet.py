"""Facts to an evidence sheet for a works council."""
