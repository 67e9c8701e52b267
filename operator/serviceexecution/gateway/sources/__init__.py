"""Archives that people upload, for services to be built from."""
