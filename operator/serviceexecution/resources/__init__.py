"""The custom resources as Pydantic models, and the CRDs generated from them."""
