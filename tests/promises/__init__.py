"""What is promised: one test a promise, each with a control that shows it can fail. `make promises` runs the long forms."""
