"""Stands in for rootlesskit, buildctl and buildah: does what ``plan.json`` in DIRECTORY says, and notes how it was
called. Copied to a directory of programs under each name, with its first lines put in front."""

import json
import os
import pathlib
import sys
import time

DIRECTORY = pathlib.Path(os.path.realpath(__file__)).parent
DIGEST = "sha256:" + "d" * 64
MANIFEST = {"layers": [{"size": 700}, {"size": 77}]}


def option(name):
    """Return the value that follows an option, or an empty text."""
    found = [index for index, word in enumerate(sys.argv) if word == name]
    return sys.argv[found[0] + 1] if found else ""


def record(action):
    """Note the call."""
    with (DIRECTORY / "calls").open("a") as file:
        call = {"action": action, "arguments": sys.argv, "environment": dict(os.environ)}
        dockerfile = option("--file") or "nosuch"
        call["dockerfile"] = pathlib.Path(dockerfile).read_text() if pathlib.Path(dockerfile).exists() else ""
        file.write(json.dumps(call) + "\n")


def act(action):
    """Do the next thing that is planned for the action; returns the exit code."""
    record(action)
    path = DIRECTORY / "plan.json"
    plan = json.loads(path.read_text())
    steps = plan.get(action) or [{}]
    step = steps[0]
    if len(steps) > 1:
        path.write_text(json.dumps(plan | {action: steps[1:]}))
    sys.stdout.write(step.get("print", f"{action} of a fake\n"))
    sys.stdout.flush()
    time.sleep(step.get("sleep", 0))
    if action == "export" and "report" in step:
        pathlib.Path(option("--output").partition("dest=")[2], "report.json").write_text(step["report"])
    return step.get("code", 0)


def rootlesskit():
    """Be a daemon: make the socket, note where the store is, wait."""
    store = pathlib.Path(option("--root"), "runc-overlayfs/content/blobs/sha256")
    store.mkdir(parents=True)
    (store / DIGEST.removeprefix("sha256:")).write_text(json.dumps(MANIFEST))
    code = act("daemon")
    if code:
        sys.exit(code)
    pathlib.Path(option("--addr").removeprefix("unix://")).touch()
    time.sleep(60)


def buildctl():
    """Build."""
    if "debug" in sys.argv:
        return 0
    output = option("--output")
    kinds = {"type=local": "export", "push=true": "push", "push=false": "build"}
    code = act(next((action for part, action in kinds.items() if part in output), "cache"))
    pathlib.Path(option("--metadata-file")).write_text(
        json.dumps({"x": DIGEST[:-1] + "0", "containerimage.digest": DIGEST})
    )
    return code


def buildah():
    """Build, or push."""
    if sys.argv[1] == "push":
        pathlib.Path(option("--digestfile")).write_text(DIGEST)
        return act("push")
    return act("export" if option("--output") else "build")


if __name__ == "__main__":
    program = {"rootlesskit": rootlesskit, "buildctl": buildctl, "buildah": buildah}
    sys.exit(program[pathlib.Path(sys.argv[0]).name]())
