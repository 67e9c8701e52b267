"""Where the API server is, and with which credentials: from a pod's ServiceAccount, or from a kubeconfig."""
