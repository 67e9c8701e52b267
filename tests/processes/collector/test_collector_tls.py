"""The collector speaks TLS too, where a gateway has a certificate."""

import datetime
import ipaddress
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.processes.collector.live import LiveGateway, Pod, contents, finish, kill
from tests.unit.gateway.fakes import REF


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1)).add_extension(address, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    (directory / "tls.crt").write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    (directory / "tls.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return directory


def test_upload_by_tls(tmp_path, certificate):
    gateway = LiveGateway(tmp_path, tls=certificate)
    gateway.kubernetes.add_execution()
    pod = Pod(tmp_path, gateway.url, SX_CA_FILE=str(certificate / "tls.crt"))
    data = os.urandom(5_000_000)
    (pod.output / "large").write_bytes(data)
    (pod.output / "small").write_bytes(b"1")
    process = pod.start()
    gateway.call(gateway.kubernetes.set_main("terminated"))
    code, log = finish(process)
    assert code == 0
    assert not [line for line in log if "again" in line["event"]]
    manifest = gateway.call(gateway.store.read_manifest(REF))
    assert gateway.call(contents(gateway.store, manifest)) == {"large": data, "small": b"1"}
    gateway.stop(abruptly=True)


def test_unknown_certificate_is_not_trusted(tmp_path, certificate):
    gateway = LiveGateway(tmp_path, tls=certificate)
    pod = Pod(tmp_path, gateway.url, SX_COLLECT_TIMEOUT="0")
    process = pod.start()
    line = process.stderr.readline()
    kill(process)
    process.communicate()
    assert b"CERTIFICATE_VERIFY_FAILED" in line
    gateway.stop(abruptly=True)
