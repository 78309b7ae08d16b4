"""What stewards do with drafts: complete, review, publish, withdraw."""
