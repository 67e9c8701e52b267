"""A server that wants a login: Git repositories below ``/git``, files elsewhere.

Only the standard library is needed, so that a pod can run it from its text:
``python3 -c TEXT DIRECTORY USER PASSWORD PORT``.
"""

import base64
import http.server
import os
import subprocess
import sys
from functools import partial
from pathlib import Path


class PrivateHandler(http.server.SimpleHTTPRequestHandler):
    """Answers 401 to everybody who does not know ``login``, the value of Basic's header."""

    protocol_version = "HTTP/1.1"
    login = ""

    def do_GET(self) -> None:
        """Answer a repository's or a file's reader."""
        if not self._refused():
            if self.path.startswith("/git/"):
                answer_git(self, Path(self.directory) / "git", self.path.removeprefix("/git"))
            else:
                super().do_GET()

    def do_HEAD(self) -> None:
        """Answer as to GET, without the content."""
        if not self._refused():
            super().do_HEAD()

    def do_POST(self) -> None:
        """Answer Git."""
        if not self._refused():
            answer_git(self, Path(self.directory) / "git", self.path.removeprefix("/git"))

    def _refused(self) -> bool:
        if self.headers.get("Authorization", "") == self.login:
            return False
        refuse(self)
        return True


def refuse(handler: http.server.BaseHTTPRequestHandler) -> None:
    """Ask for a login."""
    handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    handler.send_response(401)
    handler.send_header("WWW-Authenticate", 'Basic realm="private"')
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def answer_git(handler: http.server.BaseHTTPRequestHandler, root: Path, target: str) -> None:
    """Answer by the real backend of Git, for the repositories in ``root``; ``target`` is the request's path there."""
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    path, _, query = target.partition("?")
    environment = os.environ | {
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REQUEST_METHOD": handler.command,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
    }
    done = subprocess.run(
        ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    handler.send_response(int(headers.pop("Status", "200").split()[0]))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def basic(user: str, password: str) -> str:
    """Return the value of the header that a login makes (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def main() -> None:
    """Serve until the end."""
    directory, user, password, port = sys.argv[1:]
    PrivateHandler.login = basic(user, password)
    handler = partial(PrivateHandler, directory=directory)
    http.server.ThreadingHTTPServer(("", int(port)), handler).serve_forever()


if __name__ == "__main__":
    main()
