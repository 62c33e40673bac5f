# SPDX-License-Identifier: Apache-2.0
"""The tree as the checks see it: the files that belong to the project, and C without its comments."""

import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent


class Tree:
    """Files by their path from the top. A rule gets a Tree and returns its violations, one line each."""

    def __init__(self, files, top=None):
        self.files = files  # path -> text
        self.top = top  # None for a made-up tree
        self.code = {path: without_comments(text)
                     for path, text in files.items() if path.endswith((".c", ".h"))}
        self.includes = {path: list(includes_of(path, files[path])) for path in self.code}

    def exists(self, path):
        if self.top:
            return (self.top / path).exists()
        return path in self.files or any(name.startswith(path.rstrip("/") + "/") for name in self.files)


def real_tree():
    """All text files that git tracks or would track."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, check=True,
                            capture_output=True, text=True).stdout.split("\n")
    files = {}
    for path in filter(None, listed):
        if not (TOP / path).is_file():
            continue  # removed, not yet committed
        try:
            text = (TOP / path).read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue  # descriptors, seeds of the fuzzer
        if "\0" not in text:
            files[path] = text
    return Tree(files, TOP)


def without_comments(text):
    """C with comments and the insides of strings blanked; lines keep their numbers."""
    def blank(match):
        piece = match.group(0)
        if piece.startswith("/"):
            return re.sub(r"[^\n]", " ", piece)
        return piece[0] + " " * (len(piece) - 2) + piece[-1]

    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", blank, text, flags=re.DOTALL)


class Include:
    """One #include line."""

    def __init__(self, line, system, name):
        self.line = line
        self.system = system  # <...>
        self.name = name


def includes_of(_path, text):
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r"\s*#\s*include\s+(<([^>]+)>|\"([^\"]+)\")", line)
        if match:
            yield Include(number, match.group(2) is not None, match.group(2) or match.group(3))
