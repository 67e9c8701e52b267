"""What the operator would say at the end of an execution and of a build."""


def ends(phase, message="", **members):
    """Return what lets an execution end like that."""

    def after(execution):
        execution["status"] = {
            "phase": phase,
            "message": message,
            "startTime": "2026-01-01T00:00:00Z",
            "completionTime": "2026-01-01T00:00:05Z",
            **members,
        }

    return after


def built(definition, phase="Succeeded", *, name="r1", message="", **status):
    """Say what the operator would: the newest source was built, or not."""
    good = phase == "Succeeded"
    generation = definition["metadata"]["generation"]
    revision = {"name": name, "phase": phase, "message": message, "image": "registry/plot@sha256:1"}
    definition["status"] = {
        "observedGeneration": generation,
        "phase": "Ready" if good else "Failed",
        "revisions": [revision],
        "conditions": [{"type": "Built", "status": str(good), "reason": phase, "message": message}],
        **({"revision": name} if good else {}),
        **status,
    }
