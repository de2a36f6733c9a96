"""The shape of the CronJob: what the API server would refuse, what dpbackup relies on, and that the
image is made for it."""

import json
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
# Putting a device back (380 s by default), and two scripts of 10 min each.
assert template["terminationGracePeriodSeconds"] > 380 + 2 * 600
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

# The image says who it runs as, where it looks for plans and what outlives it; the CronJob as well.
image = {}
with open(sys.argv[2]) as file:
    for line in file.read().replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        image.setdefault(word, []).append(rest.strip())
context = template["securityContext"]
assert image["USER"] == [f"{context['runAsUser']}:{context['fsGroup']}"], image["USER"]
variables = dict(word.split("=", 1) for words in image["ENV"] for word in words.split())
given = {variable["name"]: variable.get("value") for variable in container["env"]}
assert given["DPBACKUP_CONFIG"] == variables["DPBACKUP_CONFIG"]
written = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
assert sorted(json.loads(image["VOLUME"][0])) == sorted(written), written
print(f"{sys.argv[1]}: a CronJob as it should be, and {sys.argv[2]} its image")
