"""Traces for OpenTelemetry: spans, and how they are sent to a collector of traces."""
