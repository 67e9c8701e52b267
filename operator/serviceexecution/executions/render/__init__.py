"""Renders an execution's children as plain manifests: the same input gives byte-equal output."""
