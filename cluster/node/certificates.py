"""The cluster's own certificate authority, its certificates and the kubeconfig files made from them."""

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.settings import API_SERVICE_ADDRESS, NODE_NAME

_LIFETIME: Final = datetime.timedelta(days=365)
_CLOCK_TOLERANCE: Final = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class User:
    """A kubeconfig's identity: file name without suffix, user name and groups as RBAC sees them."""

    file: str
    name: str
    groups: tuple[str, ...] = ()


# Of the cluster as a whole; each node has one more, for its kubelet.
USERS: Final = (
    User("admin", "admin", ("system:masters",)),
    User("controller-manager", "system:kube-controller-manager"),
    User("scheduler", "system:kube-scheduler"),
    User("proxy", "system:kube-proxy"),
    User("dns", "embedded:dns"),
    User("provisioner", "embedded:provisioner"),
)


@dataclass(frozen=True)
class _Pair:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @staticmethod
    def load(directory: Path, name: str) -> "_Pair":
        key = serialization.load_pem_private_key((directory / f"{name}.key").read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it
        return _Pair(key, x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes()))

    def save(self, directory: Path, name: str) -> None:
        _write_private(directory / f"{name}.key", _key_bytes(self.key))
        (directory / f"{name}.crt").write_bytes(_certificate_bytes(self.certificate))


def create_credentials(state: Path, node_address: str) -> None:
    """Write `pki/` and one kubeconfig per user below `state`, for an API server at https://<node_address>:6443."""
    directory = state / "pki"
    directory.mkdir(parents=True, exist_ok=True)
    authority = _authority()
    authority.save(directory, "ca")
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    names += ["kubernetes.default.svc.cluster.local", "localhost", NODE_NAME]
    addresses = [node_address, "127.0.0.1", API_SERVICE_ADDRESS]
    _issue(authority, "kube-apiserver", server_names=[*names, *addresses]).save(directory, "apiserver")
    _issue(authority, "kube-apiserver").save(directory, "apiserver-kubelet")
    signer = ec.generate_private_key(ec.SECP256R1())
    _write_private(directory / "service-accounts.key", _key_bytes(signer))
    (directory / "service-accounts.pub").write_bytes(
        signer.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    for user in USERS:
        _write_kubeconfig(state, user, authority, node_address)
    create_node_credentials(state, state, name=NODE_NAME, address=node_address, api_address=node_address)


def create_node_credentials(
    state: Path, directory: Path, *, name: str, address: str, api_address: str
) -> None:
    """Write the certificate and the kubeconfig of a node's kubelet below `directory`, by the authority in `state`."""
    authority = _Pair.load(state / "pki", "ca")
    (directory / "pki").mkdir(parents=True, exist_ok=True)
    _issue(authority, name, server_names=[name, address]).save(directory / "pki", "kubelet-server")
    kubelet = User("kubelet", f"system:node:{name}", ("system:nodes",))
    _write_kubeconfig(directory, kubelet, authority, api_address)


def _write_kubeconfig(directory: Path, user: User, authority: _Pair, api_address: str) -> None:
    pair = _issue(authority, user.name, groups=user.groups)
    text = _kubeconfig(f"https://{api_address}:6443", authority.certificate, user.name, pair)
    _write_private(directory / f"{user.file}.conf", text.encode())


def _authority() -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("serviceexecution-embedded-ca")
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, key)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return _Pair(key, builder.sign(key, hashes.SHA256()))


def _issue(
    authority: _Pair, common_name: str, *, groups: Sequence[str] = (), server_names: Sequence[str] = ()
) -> _Pair:
    """A server certificate when `server_names` (host names or addresses) are given, else a client certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if server_names else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(_name(common_name, groups), key)
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if server_names:
        alternatives = x509.SubjectAlternativeName([_alternative_name(name) for name in server_names])
        builder = builder.add_extension(alternatives, critical=False)
    return _Pair(key, builder.sign(authority.key, hashes.SHA256()))


def _builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_TOLERANCE)
        .not_valid_after(now + _LIFETIME)
    )


def _name(common_name: str, groups: Sequence[str] = ()) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _kubeconfig(server: str, authority: x509.Certificate, user: str, pair: _Pair) -> str:
    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    cluster = {"server": server, "certificate-authority-data": encoded(_certificate_bytes(authority))}
    credentials = {
        "client-certificate-data": encoded(_certificate_bytes(pair.certificate)),
        "client-key-data": encoded(_key_bytes(pair.key)),
    }
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "embedded",
            "clusters": [{"name": "embedded", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": "embedded", "context": {"cluster": "embedded", "user": user}}],
        }
    )


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_private(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)
