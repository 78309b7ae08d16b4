"""From a base to heads, verifier and thresholds; the only importer of scikit-learn."""
