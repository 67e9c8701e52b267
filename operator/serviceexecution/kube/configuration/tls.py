"""TLS as a kubeconfig says: the cluster's authority, and the certificate of the one who calls."""

import ssl
import tempfile

from serviceexecution.kube.configuration.credentials import Credential
from serviceexecution.kube.configuration.kubeconfig import ClusterEntry
from serviceexecution.kube.errors import KubeconfigError


def tls_context(cluster: ClusterEntry, credential: Credential) -> ssl.SSLContext:
    """Return what connections to the API server use. Raises KubeconfigError for certificates that cannot be used."""
    try:
        context = ssl.create_default_context(cadata=cluster.ca)
        # As kubectl: certificates of many clusters lack what the strict mode asks for, a default from Python 3.13 on.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if cluster.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if credential.certificate:
            _load_certificate(context, credential)
    except (ssl.SSLError, ValueError) as error:
        raise KubeconfigError(f"The kubeconfig's certificates cannot be used: {error}") from None
    return context


def _load_certificate(context: ssl.SSLContext, credential: Credential) -> None:
    # Python reads a key only from a file; this one is readable for us only, and gone at once.
    with tempfile.NamedTemporaryFile("w", prefix="kubeconfig-", suffix=".pem") as file:
        file.write(f"{credential.certificate}\n{credential.key or ''}\n")
        file.flush()
        context.load_cert_chain(file.name)
