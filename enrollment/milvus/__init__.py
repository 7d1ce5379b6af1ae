"""The gallery in a Milvus server or cluster beside the database (GALLERY_URL). The database stays the truth."""
