"""The cluster as kubectl sees it: kubeconfig, credentials, API server, and the gateway behind it."""
