"""The DataPool custom resource: a named set of files that runs may read, in the results store or on a volume."""
