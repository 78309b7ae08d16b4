"""What stewards do with drafts: complete, review, publish, withdraw; and how a draft is shown to them."""
