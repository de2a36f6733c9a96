#!/usr/bin/env python3
"""An Ansible inventory as [[device]] tables: from_ansible.py hosts.ini --group datapower --out devices.d/ansible.toml

Takes inventories in INI, simple ones in YAML (mappings only), and what `ansible-inventory --list` prints, which
knows every form that there is: `ansible-inventory -i hosts --list | from_ansible.py - --group datapower`.

The groups of a host, and those above them, become its tags. Of the variables ansible_host is the host, and
dpbackup_port, dpbackup_username and dpbackup_role are what they say; ansible_port and ansible_user are those of SSH.
"""

import argparse
import json
import re
import shlex
import sys

from devices_toml import Refused, arguments, run, write

OF_ALL = ("all", "ungrouped")


class Inventory:
    """Hosts with their variables, and groups."""

    def __init__(self):
        self.hosts = {}
        self.members = {}
        self.children = {}
        self.variables = {}

    def group(self, name):
        self.members.setdefault(name, [])
        self.children.setdefault(name, [])
        self.variables.setdefault(name, {})

    def host(self, name, group, variables):
        self.group(group)
        self.hosts.setdefault(name, {}).update(variables)
        if name not in self.members[group]:
            self.members[group].append(name)

    def groups_of(self, host):
        """Each group of a host, the nearest ones first, then those above."""
        found = [group for group, members in self.members.items() if host in members]
        for group in found:
            found += [above for above, below in self.children.items() if group in below and above not in found]
        return found

    def variable(self, host, name):
        places = [self.hosts[host]] + [self.variables.get(group, {}) for group in self.groups_of(host)]
        places.append(self.variables.get("all", {}))
        return next((place[name] for place in places if name in place), None)


def expanded(pattern):
    """qa[01:03] is qa01, qa02 and qa03, and x[a:c] three as well."""
    found = re.search(r"\[(\w+):(\w+)(?::(\d+))?\]", pattern)
    if not found:
        return [pattern]
    first, last, step = found.group(1), found.group(2), int(found.group(3) or 1)
    if first.isdigit() and last.isdigit():
        width = len(first) if first.startswith("0") else 0
        values = [str(number).zfill(width) for number in range(int(first), int(last) + 1, step)]
    elif len(first) == len(last) == 1:
        values = [chr(code) for code in range(ord(first), ord(last) + 1, step)]
    else:
        raise Refused(f"{pattern}: this range is not understood")
    return [name for value in values for name in expanded(pattern[: found.start()] + value + pattern[found.end() :])]


def from_ini(lines):
    inventory, group, kind = Inventory(), "ungrouped", "hosts"
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        header = re.match(r"\[([^\]:]+)(?::(\w+))?\]\s*(?:[#;].*)?$", line)
        if header:
            group, kind = header.group(1).strip(), header.group(2) or "hosts"
            inventory.group(group)
        elif kind == "hosts":
            try:
                words = shlex.split(line, comments=True)
            except ValueError as error:
                raise Refused(f"line {number}: {error}") from error
            pairs = [word.partition("=") for word in words[1:]]
            variables = {key: value for key, equals, value in pairs if equals}
            for name in expanded(words[0]):
                inventory.host(name, group, variables)
        elif kind == "children":
            name = line.split("#")[0].strip()
            inventory.group(name)
            inventory.children[group].append(name)
        elif kind == "vars":
            key, equals, value = line.partition("=")
            if not equals:
                raise Refused(f"line {number}: expected NAME=VALUE")
            inventory.variables[group][key.strip()] = value.strip().strip("'\"")
        else:
            raise Refused(f"line {number}: [{group}:{kind}] is not understood")
    return inventory


def scalar(text, number):
    """A value of one line of YAML."""
    text = text.strip()
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        if end < 0 or text[end + 1 :].split("#")[0].strip():
            raise Refused(f"line {number}: this text is not understood; use `ansible-inventory --list`")
        return text[1:end]
    text = re.sub(r"\s+#.*$", "", text)
    if text[:1] in tuple("[{&*!|>@`%") and text not in ("{}", "[]"):
        raise Refused(f"line {number}: {text.split()[0]!r} is more than simple YAML; use `ansible-inventory --list`")
    return None if text in ("", "{}", "[]", "~", "null") else text


def from_yaml(lines):
    """Mappings by their indentation. What is more than that is refused, never guessed."""
    root = {}
    way = [(-1, root)]
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if not bare or bare.startswith("#") or bare in ("---", "..."):
            continue
        found = re.match(r"( *)('[^']*'|\"[^\"]*\"|[^\s'\"#:][^:]*|[^\s'\"#:][^#]*?)\s*:(?:\s+(.*))?$", line.rstrip("\n"))
        if not found or bare.startswith("- "):
            raise Refused(f"line {number}: {bare!r} is more than simple YAML; use `ansible-inventory --list`")
        indent, key = len(found.group(1)), found.group(2).strip("'\"")
        value = scalar(found.group(3) or "", number)
        while way[-1][0] >= indent:
            way.pop()
        if not isinstance(way[-1][1], dict):
            raise Refused(f"line {number}: {key!r} stands below a value")
        way[-1][1][key] = value
        if value is None:
            below = way[-1][1][key] = {}
            way.append((indent, below))
        else:
            way.append((indent, value))
    inventory = Inventory()

    def walk(name, group):
        inventory.group(name)
        for key, value in (group or {}).items():
            value = value or {}
            if key == "hosts":
                for pattern, variables in value.items():
                    for host in expanded(pattern):
                        inventory.host(host, name, variables or {})
            elif key == "vars":
                inventory.variables[name].update(value)
            elif key == "children":
                for child, below in value.items():
                    inventory.children[name].append(child)
                    walk(child, below)
            else:
                raise Refused(f"group {name}: {key!r} is none of hosts, vars and children")

    for name, group in root.items():
        walk(name, group)
    return inventory


def from_list(document):
    """What `ansible-inventory --list` prints."""
    inventory = Inventory()
    variables = document.get("_meta", {}).get("hostvars", {})
    for name, group in document.items():
        if name == "_meta":
            continue
        inventory.group(name)
        for host in group.get("hosts", []):
            inventory.host(host, name, variables.get(host, {}))
        inventory.children[name] += group.get("children", [])
        inventory.variables[name].update(group.get("vars", {}))
    return inventory


def read(path):
    text = sys.stdin.read() if path == "-" else open(path, encoding="utf-8-sig").read()
    if text.lstrip().startswith("{"):
        return from_list(json.loads(text))
    first = next((line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    is_yaml = path.endswith((".yml", ".yaml")) or first == "---" or first.endswith(":")
    return (from_yaml if is_yaml else from_ini)(text.splitlines())


def main():
    parser = arguments(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("file")
    parser.add_argument("--group", action="append", default=[], help="only hosts of this group, or below it; may be repeated")
    options = parser.parse_args()
    inventory = read(options.file)
    for group in options.group:
        if group not in inventory.members:
            raise Refused(f"there is no group {group!r}: there are {', '.join(sorted(inventory.members)) or 'none'}")
    devices = []
    for host in inventory.hosts:
        groups = inventory.groups_of(host)
        if options.group and not set(groups) & set(options.group):
            continue
        variable = lambda name: inventory.variable(host, name)
        devices.append({
            "name": host,
            "host": variable("ansible_host") or host,
            "port": variable("dpbackup_port"),
            "username": variable("dpbackup_username"),
            "role": variable("dpbackup_role"),
            "tags": [group for group in groups if group not in OF_ALL],
        })
    write(devices, options, "an inventory" if options.file == "-" else options.file)


run(main)
