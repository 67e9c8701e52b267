"""Sources from Git, and secrets of a build that must be nowhere afterwards."""

import json
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import CONFIG_MAPS, EVENTS, JOBS, PODS, SERVICE_DEFINITIONS
from tests.support.builds import BUSYBOX, DOCKERFILE, Builds, result_of
from tests.support.cluster import SECRETS, member
from tests.support.pod_server import NEW_REPOSITORY, start_server

PASSWORD: Final = "correct-horse-battery-staple"  # noqa: S105 - of a test
SERVE: Final = f"""{NEW_REPOSITORY}
git tag v1
sed -i 's/printf 1/printf 2/' Dockerfile && git commit -qam two
git rev-parse v1 main
git clone -q --bare /tmp/work /tmp/serve/project.git
touch /tmp/serve/project.git/git-daemon-export-ok
exec git daemon --reuseaddr --export-all --base-path=/tmp/serve --listen=0.0.0.0 --port=9418 /tmp/serve
"""


def serve_git(builds: Builds) -> tuple[str, list[str]]:
    """Serve a repository with a tag and a branch; return its URL and the two commits."""
    host = start_server(builds.sandbox, "git", SERVE, port=9418, variables={"BASE": BUSYBOX})
    commits = [
        line
        for line in builds.sandbox.cluster.pod_log(builds.sandbox.name, "git", "git").split()
        if len(line) == 40
    ]
    return f"git://{host}/project.git", commits


def test_a_service_is_built_from_a_git_repository(builds: Builds):
    url, (tagged, newest) = serve_git(builds)
    builds.define({"git": {"url": url, "ref": "v1"}}, DOCKERFILE)
    assert builds.succeed("r1")["commit"] == tagged
    final = builds.sandbox.succeed({"serviceRef": {"name": "service"}})
    assert result_of(final) == 1
    assert member(final, "status", "service", "commit") == tagged
    builds.change(source={"git": {"url": url, "ref": "main"}})
    assert builds.succeed("r2")["commit"] == newest
    builds.change(source={"git": {"url": url, "ref": newest}})
    assert builds.succeed("r3")["commit"] == newest
    builds.change(source={"git": {"url": url, "ref": "no-such-branch"}})
    failed = builds.wait_for_end("r4")
    assert (failed["phase"], failed["reason"]) == ("Failed", "GitFailed")
    assert "no-such-branch" in str(failed["message"])


def test_build_secrets_are_nowhere_afterwards(builds: Builds):
    cluster, namespace = builds.sandbox.cluster, builds.sandbox.name
    cluster.create(SECRETS, namespace, {"metadata": {"name": "login"}, "stringData": {"value": PASSWORD}})
    files = {
        "Dockerfile": (
            f"FROM {BUSYBOX}\n"
            "RUN --mount=type=secret,id=login,mode=0444 wc -c < /run/secrets/login > /size && cat /run/secrets/login\n"
            'CMD ["sh", "-c", "cat /size > /var/runtime/output/output.json; '
            "grep -rl correct-horse / --include=* 2>/dev/null | grep -v ^/proc | "
            'head -n 3 > /var/runtime/output/found.txt"]\n'
        )
    }
    runtime: JsonObject = {"docker": {"build": {"secrets": {"login": {"name": "login"}}}}}
    builds.define(files, runtime)
    builds.succeed()
    assert PASSWORD not in builds.log()
    final = builds.sandbox.succeed({"serviceRef": {"name": "service"}})
    assert str(member(final, "status", "result", "output")).strip() == str(len(PASSWORD))
    found = builds.gateway.file(namespace, "run", "found.txt", builds.token)
    assert found.text == ""
    for kind in (SERVICE_DEFINITIONS, CONFIG_MAPS, JOBS, PODS, EVENTS):
        assert PASSWORD not in json.dumps(cluster.select(kind, namespace)), kind.plural
