"""Checks one built overlay: every object against the schema of its kind, and the promises of k8s/ that schemas do not know."""

import sys

import kubernetes_validate
import yaml

VERSION = "1.32"
# Kinds of operators, for which no schema is at hand; their fields are the operator's business.
OPERATORS = {("postgresql.cnpg.io/v1", kind) for kind in ("Cluster", "Database", "ScheduledBackup")}
# What production must have for each service.
SERVICES = ["identity", "orders", "erp", "crm", "kpi", "tasks", "knowledge", "gateway"]


def pods(objects):
    for thing in objects:
        if thing["kind"] in ("Deployment", "StatefulSet", "Job", "DaemonSet"):
            yield f"{thing['kind']} {thing['metadata']['name']}", thing["spec"]["template"]["spec"]


def hardened(name, spec):
    outer = spec.get("securityContext", {})
    if not outer.get("runAsNonRoot") or outer.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield f"{name}: must run as a user other than root, with the default seccomp profile"
    if spec.get("automountServiceAccountToken") is not False:
        yield f"{name}: has a token of the cluster's API it does not need"
    for container in spec["containers"]:
        inner = container.get("securityContext", {})
        if (
            not inner.get("readOnlyRootFilesystem")
            or inner.get("allowPrivilegeEscalation") is not False
            or inner.get("capabilities", {}).get("drop") != ["ALL"]
        ):
            yield f"{name}: {container['name']} needs a read-only root, no privileges and no capabilities"
        if "readinessProbe" not in container or "memory" not in container.get("resources", {}).get("limits", {}):
            yield f"{name}: {container['name']} needs a readiness probe and a memory limit"
        if ":" not in container["image"] or container["image"].endswith(":latest"):
            yield f"{name}: {container['image']} names no version"
        for variable in container.get("env", []):
            if "PASSWORD" in variable["name"] or "SECRET" in variable["name"] or variable["name"].endswith("DATABASE_URL"):
                if "value" in variable:
                    yield f"{name}: {variable['name']} must come from a Secret"


def referenced(name, spec):
    for container in spec["containers"]:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {}).get("secretKeyRef")
            if source:
                yield "Secret", source["name"], source["key"]
        for source in container.get("envFrom", []):
            yield "ConfigMap", source["configMapRef"]["name"], None
    for volume in spec.get("volumes", []):
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"], None


def complete(overlay, objects):
    have = {(thing["kind"], thing["metadata"]["name"]): thing for thing in objects}
    for name, spec in pods(objects):
        for kind, wanted, key in referenced(name, spec):
            thing = have.get((kind, wanted))
            # Production takes its secrets from outside.
            if thing is None and not (kind == "Secret" and overlay == "production"):
                yield f"{name}: there is no {kind} {wanted}"
            if thing is not None and key and key not in {**thing.get("data", {}), **thing.get("stringData", {})}:
                yield f"{name}: {kind} {wanted} has no key {key}"
    for service in SERVICES:
        wanted = ["Deployment", "Service"]
        if overlay == "production":
            wanted += ["HorizontalPodAutoscaler", "PodDisruptionBudget"]
        for kind in wanted:
            if (kind, service) not in have:
                yield f"{service} has no {kind}"
    if overlay == "production" and any(thing["kind"] == "Secret" for thing in objects):
        yield "production must bring no Secret of its own"
    if overlay == "production" and have["StatefulSet", "nats"]["spec"]["replicas"] != 3:
        yield "production needs three NATS nodes"
    if ("NetworkPolicy", "default-deny") not in have:
        yield "there is no NetworkPolicy default-deny"


def wrong(overlay, objects):
    for thing in objects:
        if (thing["apiVersion"], thing["kind"]) in OPERATORS:
            continue
        try:
            kubernetes_validate.validate(thing, VERSION, strict=True)
        except Exception as error:  # the library raises several kinds
            yield f"{thing['kind']} {thing['metadata']['name']}: {str(error).splitlines()[0]}"
    for name, spec in pods(objects):
        yield from hardened(name, spec)
    yield from complete(overlay, objects)


def proven_able_to_fail(objects):
    """A check that never fails checks nothing: break one promise at a time and look."""
    import copy

    def broken(change):
        copied = copy.deepcopy(objects)
        change(next(thing for thing in copied if thing["kind"] == "Deployment"))
        return list(wrong("proof", copied))

    def container(deployment):
        return deployment["spec"]["template"]["spec"]["containers"][0]

    first = next(thing for thing in objects if thing["kind"] == "Deployment")
    objects = [first] + [thing for thing in objects if thing["kind"] in ("ConfigMap", "Secret", "NetworkPolicy")]
    clean = set(wrong("proof", objects))
    changes = [
        lambda d: d["spec"].update(replica=1),
        lambda d: d["spec"]["template"]["spec"].pop("securityContext"),
        lambda d: container(d)["securityContext"].update(readOnlyRootFilesystem=False),
        lambda d: container(d).update(image="shopfloor"),
        lambda d: container(d).pop("readinessProbe"),
        lambda d: container(d)["env"].append({"name": "X_PASSWORD", "value": "secret"}),
        lambda d: container(d)["envFrom"].append({"configMapRef": {"name": "nobody"}}),
        lambda d: d["metadata"].update(name="other"),
    ]
    return all(set(broken(change)) - clean for change in changes)


def main():
    overlay, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        objects = [thing for thing in yaml.safe_load_all(file) if thing]
    errors = list(wrong(overlay, objects))
    for error in errors:
        print(f"manifests: {overlay}: {error}", file=sys.stderr)
    if not errors and not proven_able_to_fail(objects):
        errors = ["x"]
        print("manifests: the check does not see a broken manifest", file=sys.stderr)
    print(f"manifests: {overlay}: {len(objects)} objects, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
