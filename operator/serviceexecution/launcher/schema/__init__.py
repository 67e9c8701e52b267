"""JSON Schemas (2020-12) of a project's input and output, made from the signature of ``run()``.

They never refuse what the in-container library accepts: the schema of a value is that of all texts that the
library's converter takes, or of more. What cannot be said exactly is said in the description.
"""
