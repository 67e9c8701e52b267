"""The console in the browser of the one who calls ``sx``, with their way into the cluster."""
