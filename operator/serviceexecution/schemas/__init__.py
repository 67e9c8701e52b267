"""JSON Schemas of inputs and outputs, checked in processes that may be killed: a schema is a program of its author."""
