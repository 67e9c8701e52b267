"""A real proxy with TLS in front of a gateway on loopback, set up as an Ingress controller does it."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Final

from tests.support.polling import poll_until

PROGRAM: Final = Path("/usr/sbin/nginx")

_CONFIGURATION: Final = Template("""
daemon off;
master_process off;
pid $directory/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path $directory/body;
  proxy_temp_path $directory/proxy;
  fastcgi_temp_path $directory/fastcgi;
  uwsgi_temp_path $directory/uwsgi;
  scgi_temp_path $directory/scgi;
  server {
    listen 127.0.0.1:$port ssl;
    ssl_certificate $certificates/tls.crt;
    ssl_certificate_key $certificates/tls.key;
    client_max_body_size 0;
    location / {
      proxy_pass http://127.0.0.1:$gateway;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $$http_host;
      proxy_set_header X-Forwarded-For $$proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $$scheme;
      proxy_request_buffering off;
      proxy_read_timeout 120s;
    }
  }
}
""")


@contextlib.contextmanager
def tls_proxy(directory: Path, certificates: Path, gateway_port: int) -> Iterator[str]:
    """Run nginx until the end of the block; gives its address. ``certificates`` holds tls.crt and tls.key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.substitute(
            directory=directory, certificates=certificates, port=port, gateway=gateway_port
        )
    )
    with subprocess.Popen([PROGRAM, "-c", configuration, "-p", directory]) as process:
        try:
            poll_until(lambda: _answers(port), seconds=20, what="nginx")
            yield f"https://127.0.0.1:{port}"
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
