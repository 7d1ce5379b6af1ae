"""The recognition API of CompreFace, so that its clients need no change: subjects are people, examples are samples."""
