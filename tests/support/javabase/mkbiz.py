#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a module jar: another name, version or behaviour is another manifest on the same classes.

mkbiz.py [--template module.jar] OUT.jar NAME VERSION CONTEXT [KEY=VALUE ...]

CONTEXT is the web context path. Keys that our module obeys: Test-Start-Sleep-Ms,
Test-Stop-Sleep-Ms, Test-Fail=main|bean, Test-Web=false, Test-Spring=false. An empty VALUE removes a
key. Where the template (of build.sh) does not exist, the jar holds a manifest only: enough for the
simulator, which runs no Java. The same arguments always give the same bytes, so digests are stable.
"""
import argparse
import os
import sys
import zipfile

MANIFEST = "META-INF/MANIFEST.MF"
DEFAULTS = {
    "Manifest-Version": "1.0",
    "Main-Class": "io.koupleless.testmodule.ModuleApplication",
    "Start-Class": "io.koupleless.testmodule.ModuleApplication",
    "priority": "100",
}
LINE_BYTES = 72  # the jar format's limit, line end not counted


def parse_manifest(text):
    """The main section as a dict; a line that begins with a blank continues the one before."""
    section = text.replace("\r\n", "\n").split("\n\n")[0].replace("\n ", "")
    return dict(line.split(": ", 1) for line in section.split("\n") if ": " in line)


def format_manifest(attributes):
    lines = []
    for key, value in attributes.items():
        line = f"{key}: {value}".encode()
        lines.append(line[:LINE_BYTES])
        rest = line[LINE_BYTES:]
        while rest:
            lines.append(b" " + rest[: LINE_BYTES - 1])
            rest = rest[LINE_BYTES - 1 :]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def make_module(out, name, version, context, extra=None, template=None):
    """Writes the jar @out; @extra: more manifest keys, None or "" removes one. Return: @out."""
    attributes, entries = dict(DEFAULTS), []
    if template and os.path.exists(template):
        with zipfile.ZipFile(template) as jar:
            attributes = parse_manifest(jar.read(MANIFEST).decode())
            entries = [(i.filename, jar.read(i)) for i in jar.infolist() if i.filename != MANIFEST]
    attributes.update({"Ark-Biz-Name": name, "Ark-Biz-Version": version, "web-context-path": context})
    attributes.update(extra or {})
    attributes = {key: value for key, value in attributes.items() if value}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as jar:
        for path, content in [(MANIFEST, format_manifest(attributes))] + entries:
            jar.writestr(zipfile.ZipInfo(path, date_time=(2020, 1, 1, 0, 0, 0)), content)
    return out


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("--template")
    parser.add_argument("out")
    parser.add_argument("name")
    parser.add_argument("version")
    parser.add_argument("context")
    parser.add_argument("extra", nargs="*")
    args = parser.parse_args()
    for pair in args.extra:
        if "=" not in pair:
            parser.error(f"{pair}: KEY=VALUE is wanted")
    if args.template and not os.path.exists(args.template):
        print("mkbiz: build.sh has not run: a manifest without classes", file=sys.stderr)
    extra = dict(pair.split("=", 1) for pair in args.extra)
    make_module(args.out, args.name, args.version, args.context, extra, args.template)


if __name__ == "__main__":
    main()
