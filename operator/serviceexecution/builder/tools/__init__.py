"""The two tools that build, BuildKit and buildah, behind one interface."""
