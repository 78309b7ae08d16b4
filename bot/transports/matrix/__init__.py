"""Matrix: direct chats and rooms, end-to-end encrypted. The only importer of nio."""
