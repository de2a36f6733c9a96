"""The shape of the CronJob: what the API server would refuse, and what dpbackup relies on."""

import sys

import yaml

with open(sys.argv[1]) as file:
    (job,) = yaml.safe_load_all(file)

assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
assert job["metadata"]["name"]
spec = job["spec"]
assert len(spec["schedule"].split()) == 5
assert spec["concurrencyPolicy"] == "Forbid"
template = spec["jobTemplate"]["spec"]["template"]["spec"]
assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
assert template["restartPolicy"] == "Never"
# unquiesce_timeout (60 s) and quiesce_grace (3 min) together, as they are by default.
assert template["terminationGracePeriodSeconds"] > 240
assert template["securityContext"]["runAsNonRoot"] is True
volumes = {}
for volume in template["volumes"]:
    assert len(volume) == 2, f"{volume}: a name and one source"
    volumes[volume["name"]] = volume
for container in template["containers"]:
    assert container["name"] and container["image"]
    assert all(isinstance(word, str) for word in container["args"])
    for variable in container["env"]:
        assert ("value" in variable) != ("valueFrom" in variable), variable
    mounts = [mount["name"] for mount in container["volumeMounts"]]
    assert sorted(mounts) == sorted(volumes), "each volume is mounted, and each mount has a volume"
    assert all(mount["mountPath"].startswith("/") for mount in container["volumeMounts"])
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
print(f"{sys.argv[1]}: a CronJob as it should be")
