"""What the rendered roles let an account do."""

from tests.chart.conftest import of_kind


def rights(manifests, account):
    """Namespace ("" is everywhere) → set of (group/resource, verb) of one ServiceAccount."""
    roles = {
        (role["kind"], role["metadata"].get("namespace"), role["metadata"]["name"]): role["rules"]
        for role in of_kind(manifests, "Role", "ClusterRole")
    }
    found: dict[str, set[tuple[str, str]]] = {}
    for binding in of_kind(manifests, "RoleBinding", "ClusterRoleBinding"):
        if account not in [subject["name"] for subject in binding["subjects"]]:
            continue
        namespace = binding["metadata"].get("namespace")
        ref = binding["roleRef"]
        rules = roles[ref["kind"], namespace if ref["kind"] == "Role" else None, ref["name"]]
        granted = found.setdefault(namespace or "", set())
        granted |= {
            (f"{group}/{resource}", verb)
            for rule in rules
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
    return found


def granted(role):
    return {
        (resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    }
