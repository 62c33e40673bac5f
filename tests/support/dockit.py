# SPDX-License-Identifier: Apache-2.0
"""Pages of docs/ that are run: their commands are typed, and what they print is compared with what the page says.

    page = dockit.Page(text)
    typist = dockit.Typist(folder, env, replace={"https://repo.example.com/a.jar": "file:///tmp/a.jar"})
    for section in page.sections:
        typist.forget()
        for step in section.steps:
            typist.run(step)

A ```yaml block whose first line is "# NAME.yaml" is that file. In a ```console block a line that begins with "$ " is a
command, which goes on in the next line after a backslash; the lines below it are its output. There

    ...                 stands for any number of lines
    names with hashes   as Pods have them, and addresses, stand for those of this run: the same for the same throughout
                        a section, also in its commands
    ages, times, uids, digests, node ports, resource versions    may be any
    rows of a table     may stand in another order, as they are sorted by names with hashes
    blanks              don't count

What is only read (kubectl get, describe; koupleless agent list, health, operations) may take a moment to be as the page says: it is asked again.
"""
import os
import pathlib
import re
import subprocess
import time

WATCHDOG_S = 60
HYPOTHESES_MAX = 20000
_HASH = "[bcdfghjklmnpqrstvwxz2456789]"  # the letters of Kubernetes' hashes
_VARYING = re.compile("|".join((
    rf"(?P<instance>(?<![\w-])[a-z0-9-]+-{_HASH}{{10}}-[0-9a-f]{{10}}(?![\w-]))",
    rf"(?P<pod>(?<![\w-])[a-z0-9-]+-{_HASH}{{7,10}}-{_HASH}{{5}}(?![\w-]))",
    rf"(?P<revision>(?<![\w-])[a-z0-9-]+-{_HASH}{{8,10}}(?![\w-]))",
    r"(?P<address>\b\d+\.\d+\.\d+\.\d+\b)",
    r"(?P<digest>\b[0-9a-f]{64}\b)",
    r"(?P<uid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)",
    r"(?P<time>\b\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z| [+-]\d{4}))",
    r"(?P<age>(?<![\w.])(?:\d+(?:ms|[dhms]))+(?![\w.]))",
    r"(?P<nodeport>(?<=:)3\d{4}(?=/))",
    r"(?P<version>(?<=Resource Version: )\d+)",
    r"(?P<temporary>/tmp/(?:LIVE|MERGED)-\d+)",
)))
_NAMED = {"instance", "pod", "revision", "address"}  # what stays the same within a page
_READING = re.compile(r"kubectl (get|describe) |koupleless agent (list|health|operations)\b")


class Step:
    """A command and its output, or a file: .line of the page, .text of the command or the file."""

    def __init__(self, line, text, file=None):
        self.line, self.text, self.file, self.output = line, text, file, []


class Section:
    def __init__(self, title):
        self.title, self.steps = title, []


class Page:
    """.sections: those with steps, in order, a heading each; .lines of the text."""

    def __init__(self, text):
        self.lines, self.sections = text.split("\n"), []
        section, fence, step = Section(""), None, None
        for number, line in enumerate(self.lines, 1):
            if fence is None and line.startswith("#"):
                section = Section(line.strip("# "))
            elif fence is None and line.startswith("```"):
                fence, step = line[3:], None
            elif line == "```":
                fence = None
            elif fence == "yaml":
                name = re.match(r"# (\S+\.yaml)$", line)
                if step is None and name:
                    step = self._add(section, Step(number, "", name[1]))
                elif step:
                    step.text += line + "\n"
            elif fence == "console" and step and step.text.endswith("\\"):
                step.text += "\n" + line
            elif fence == "console" and line.startswith("$ "):
                step = self._add(section, Step(number, line[2:]))
            elif fence == "console":
                assert step, f"line {number}: output of no command"
                step.output.append(line)

    def _add(self, section, step):
        if section not in self.sections:
            self.sections.append(section)
        section.steps.append(step)
        return step

    def rewritten(self):
        """The text with the outputs that the steps have now."""
        lines = list(self.lines)
        for section in reversed(self.sections):
            for step in reversed(section.steps):
                if step.file is None:
                    begin = step.line + step.text.count("\n")
                    end = begin
                    while not lines[end].startswith(("$ ", "```")):
                        end += 1
                    lines[begin:end] = step.output
        return "\n".join(lines)


class Differs(AssertionError):
    """The output is another one than the page says."""


class Typist:
    """Runs steps in a folder; @env: of the commands, more than our own; @replace: text of the page -> what it is here;
    @update: takes what is printed into the steps, where it differs."""

    def __init__(self, folder, env, replace, update=False):
        self.folder = pathlib.Path(folder)
        self._env = {**os.environ, **env}
        self._replace, self._update = replace, update
        self.forget()

    def forget(self):
        """Names may stand for others from now on."""
        self._hypotheses = [{}]  # each: what names of the page may stand for, all that was printed considered

    def run(self, step):
        if step.file:
            (self.folder / step.file).write_text(self._here(step.text), encoding="utf-8")
            return
        command = self._here(self._command(step.text))
        deadline = time.monotonic() + (3 if self._update else WATCHDOG_S)
        while True:
            printed = self._type(command)
            found = self._consistent(step.output, printed)
            if found or not _READING.match(command) or time.monotonic() > deadline:
                break
        if not found and self._update:
            step.output = [self._there(line) for line in printed]
            found = self._consistent(step.output, printed)
        if not found:
            raise Differs(f"line {step.line}: $ {command}\n" + "\n".join(printed))
        self._hypotheses = found

    def _type(self, command):
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self._env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=2 * WATCHDOG_S,
                              check=False)
        text = done.stdout
        for there, here in self._replace.items():
            text = text.replace(here, there)
        return [line.rstrip() for line in text.rstrip("\n").split("\n")] if text.strip() else []

    def _here(self, text):
        for there, here in self._replace.items():
            text = text.replace(there, here)
        return text

    def _command(self, text):
        """The command with the names of this run. Where there is a choice, it is made by that."""
        names = {match.group() for match in _VARYING.finditer(text) if match.lastgroup in _NAMED}
        chosen = {name: self._hypotheses[0].get(name, name) for name in names}
        self._hypotheses = [one for one in self._hypotheses
                            if all(one.get(name, name) == here for name, here in chosen.items())]
        return _VARYING.sub(lambda match: chosen.get(match.group(), match.group()), text)

    def _there(self, line):
        names = {here: there for there, here in self._hypotheses[0].items()}
        return _VARYING.sub(lambda match: names.get(match.group(), match.group()), line)

    def _consistent(self, expected, printed):
        """The hypotheses after this output; none where it is another one."""
        found = {}
        for hypothesis in self._hypotheses:
            for one in _outputs(expected, printed, hypothesis):
                found[tuple(sorted(one.items()))] = one
                assert len(found) < HYPOTHESES_MAX, "too many names that may stand for each other"
        return list(found.values())


def _outputs(expected, printed, names):
    """Each way in which the lines @printed are those @expected: @names with what is learnt by it."""
    if not expected:
        if not printed:
            yield names
        return
    if expected[0] == "...":
        for skipped in range(len(printed) + 1):
            yield from _outputs(expected[1:], printed[skipped:], names)
    elif printed:
        more = _line(expected[0], printed[0], names)
        rows = _rows(expected[1:])
        if more is not None and _is_header(expected[0]) and rows and rows == _rows(printed[1:]):
            for learnt in _any_order(expected[1:rows + 1], printed[1:rows + 1], more):
                yield from _outputs(expected[rows + 1:], printed[rows + 1:], learnt)
        elif more is not None:
            yield from _outputs(expected[1:], printed[1:], more)


def _is_header(line):
    return re.fullmatch(r"[A-Z][A-Z() -]+|\s*Type +Reason .*", line) is not None


def _rows(lines):
    """How many up to an empty line; 0 where some are left out."""
    count = lines.index("") if "" in lines else len(lines)
    return 0 if "..." in lines[:count] else count


def _any_order(expected, printed, names):
    if not expected:
        yield names
        return
    for i, line in enumerate(printed):
        more = _line(expected[0], line, names)
        if more is not None:
            yield from _any_order(expected[1:], printed[:i] + printed[i + 1:], more)


def _line(expected, printed, names):
    """@names with what this line teaches; None where it is another line."""
    expected, printed = " ".join(expected.split()), " ".join(printed.split())
    theirs, ours = list(_VARYING.finditer(expected)), list(_VARYING.finditer(printed))
    if [one.lastgroup for one in theirs] != [one.lastgroup for one in ours]:
        return None
    if _VARYING.sub("", expected) != _VARYING.sub("", printed):
        return None
    learnt = dict(names)
    for there, here in zip(theirs, ours):
        if there.lastgroup in _NAMED:
            if learnt.setdefault(there.group(), here.group()) != here.group():
                return None
    return learnt if len(set(learnt.values())) == len(learnt) else None
