"""From pages and feeds to drafts: what was found, how it is fetched, and the files that stewards complete."""
