#!/usr/bin/env python3
"""The JSON answer of a CMDB as [[device]] tables: from_cmdb.py answer.json --out devices.d/cmdb.toml

Takes a list of records, alone or under result (ServiceNow), results (NetBox), items, data or records. A
field is named by a path with dots, such as primary_ip.address; of several with commas between them the
first that is there counts. `-` reads standard input:

    curl -fsS -H "Authorization: Token $TOKEN" 'https://netbox.example.com/api/dcim/devices/?role=datapower&limit=0' |
        from_cmdb.py - --tags tags.slug --tags site.slug --only status.value=active --out devices.d/netbox.toml
"""

import argparse
import json
import sys

from devices_toml import Refused, arguments, run, write


def field(record, paths):
    """What stands under the first of these paths that is there."""
    for path in paths.split(","):
        value = record
        for step in path.strip().split("."):
            if isinstance(value, list):
                value = [one.get(step) for one in value if isinstance(one, dict)]
            elif isinstance(value, dict):
                value = value.get(step)
            else:
                value = None
        if value not in (None, "", []):
            return value
    return None


def records_of(document, source):
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        if document.get("next"):
            raise Refused(f"{source} is one page of several: ask for all at once (limit=0), or join the pages")
        for key in ("result", "results", "items", "data", "records"):
            if isinstance(document.get(key), list):
                return document[key]
    raise Refused(f"{source} holds no list of records")


def main():
    parser = arguments(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("file")
    parser.add_argument("--name", default="name,host_name,hostname", metavar="PATH")
    parser.add_argument("--host", default="primary_ip.address,ip_address,fqdn,host", metavar="PATH")
    parser.add_argument("--port", default="custom_fields.dpbackup_port,dpbackup_port", metavar="PATH")
    parser.add_argument("--role", default="custom_fields.dpbackup_role,dpbackup_role", metavar="PATH")
    parser.add_argument("--tags", action="append", default=[], metavar="PATH")
    parser.add_argument("--only", action="append", default=[], metavar="PATH=VALUE")
    options = parser.parse_args()
    if options.file == "-":
        document = json.load(sys.stdin)
    else:
        with open(options.file, encoding="utf-8-sig") as file:
            document = json.load(file)
    source = "a CMDB" if options.file == "-" else options.file
    devices = []
    for record in records_of(document, source):
        if not isinstance(record, dict):
            raise Refused(f"{source}: {record!r} is no record")
        pairs = [pair.partition("=") for pair in options.only]
        if any(str(field(record, path)) != value for path, _, value in pairs):
            continue
        tags = []
        for path in options.tags:
            value = field(record, path)
            tags += value if isinstance(value, list) else [value] if value is not None else []
        host = field(record, options.host)
        devices.append({
            "name": field(record, options.name),
            # NetBox writes an address with its prefix: 10.0.0.1/24.
            "host": str(host).partition("/")[0] if host is not None else None,
            "port": field(record, options.port),
            "role": field(record, options.role),
            "tags": [str(one) for one in tags],
        })
    write(devices, options, source)


run(main)
