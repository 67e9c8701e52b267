"""The Go programs and container images of a development cluster, built once, and how nodes and registry get them."""
