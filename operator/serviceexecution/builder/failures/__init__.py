"""Why a build failed: the closed list of reasons, and what tools print put into sentences."""
