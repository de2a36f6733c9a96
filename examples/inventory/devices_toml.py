"""What the scripts of this folder share: devices in, [[device]] tables of a plan file out.

Needs nothing but Python 3.8. Copy it together with the script that you use.
"""

import json
import os
import re
import sys
import tempfile

NAME = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
HOST = re.compile(r"[A-Za-z0-9._-]+\Z|\[?[0-9A-Fa-f:.]+\]?\Z")


class Refused(Exception):
    """Something that is not written, and why. Nothing is written then."""


def arguments(parser):
    """The options that each script has."""
    parser.add_argument("--out", metavar="FILE", help="write this file, at once or not at all; else print")
    parser.add_argument("--tag", action="append", default=[], help="a tag for every device; may be repeated")
    parser.add_argument("--allow-empty", action="store_true", help="write a file without devices too")
    return parser


def tag(text):
    """A word as a tag: what a tag cannot hold becomes a hyphen."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text.strip()).strip("-")


def checked(devices, options, source):
    """The devices, each looked at as dpbackup will."""
    if not devices and not options.allow_empty:
        raise Refused(f"{source} has no device: an empty answer would take every device away (--allow-empty writes it)")
    seen = {}
    for device in devices:
        name, host = str(device.get("name") or ""), str(device.get("host") or "")
        if not NAME.match(name) or name in (".", ".."):
            raise Refused(f"{name!r} cannot be the name of a device: letters, digits, '.', '_' and '-'")
        if not HOST.match(host):
            raise Refused(f"{name}: {host!r} is not a host name or an address")
        if name in seen:
            raise Refused(f"two devices are named {name!r}")
        seen[name] = device
        port = device.get("port")
        if port not in (None, ""):
            if not str(port).isdigit() or not 1 <= int(port) <= 65535:
                raise Refused(f"{name}: {port!r} is not a port")
            device["port"] = int(port)
        if device.get("role") not in (None, "", "spare"):
            raise Refused(f"{name}: the role {device['role']!r} is not known; there is \"spare\"")
        tags = [tag(str(one)) for one in list(device.get("tags") or []) + options.tag]
        device["tags"] = sorted({one for one in tags if one})
    return sorted(devices, key=lambda device: device["name"])


def text(value):
    """A string as TOML has it."""
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise Refused(f"{value!r} holds a control character")
    return json.dumps(value, ensure_ascii=False)


def tables(devices, source):
    """The file."""
    lines = [f"# Written from {source} by {os.path.basename(sys.argv[0])}: what is changed here is lost."]
    for device in devices:
        lines += ["", "[[device]]", f"name = {text(device['name'])}", f"host = {text(str(device['host']))}"]
        if device.get("port") not in (None, ""):
            lines.append(f"port = {device['port']}")
        if device.get("username"):
            lines.append(f"username = {text(str(device['username']))}")
        if device["tags"]:
            lines.append("tags = [" + ", ".join(text(one) for one in device["tags"]) + "]")
        if device.get("role"):
            lines.append(f"role = {text(device['role'])}")
    return "\n".join(lines) + "\n"


def write(devices, options, source):
    """Prints the file, or puts it in place of the one before in one step."""
    file = tables(checked(devices, options, source), source)
    if not options.out:
        sys.stdout.write(file)
        return
    folder = os.path.dirname(os.path.abspath(options.out))
    # Hidden until it is whole: `*` of `include` takes no name that begins with a dot.
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".toml", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(file)
            out.flush()
            os.fsync(out.fileno())
        # No secret stands in it, and whoever runs dpbackup may be another user than this one.
        os.chmod(temporary, 0o644)
        os.replace(temporary, options.out)
    except BaseException:
        os.unlink(temporary)
        raise


def run(main):
    """Runs a script; what is refused ends it with 2 and one line."""
    try:
        main()
    except (Refused, OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
        sys.exit(2)
