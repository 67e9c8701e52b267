"""The collector speaks TLS too, where a gateway has a certificate."""

import os

import pytest

from tests.processes.collector.live import LiveGateway, Pod, contents, finish, kill
from tests.support.certificates import write_certificate
from tests.unit.gateway.collect.collector_cluster import REF


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    write_certificate(directory)
    return directory


def test_the_collector_uploads_over_tls(tmp_path, certificate):
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
    manifest = gateway.call(gateway.store.outputs.read_manifest(REF))
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
