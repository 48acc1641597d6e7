"""The transcripts in docs/policies.md and docs/http.md are true: each section is run against a gateway that has the section's files.

A fenced block "language PATH" is a file of the configuration; "console" is a transcript: "$ " and a command for the shell, then what it
prints, where "..." stands for any text. A command without output only has to succeed. 8883 is the TLS port, 1883 the one in clear.
"""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from gateway import DEADLINE_S, POLICIES, RULES, WEIR, Gateway

DOCS = pathlib.Path(__file__).parent.parent.parent / "docs"


def sections(page):
    """(title, {path: text}, [transcript])"""
    text = (DOCS / page).read_text()
    for section in re.split(r"^#+ ", text, flags=re.M)[1:]:
        files, transcripts = {}, []
        for info, block in re.findall(r"^```(.*)\n((?:.*\n)*?)```$", section, re.M):
            words = info.split()
            if words == ["console"]:
                transcripts.append(block)
            elif len(words) == 2:
                files[words[1]] = block
        yield section.splitlines()[0], files, transcripts


def commands(transcript):
    """(command, what it prints)"""
    for part in re.split(r"^\$ ", transcript, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield command, output.rstrip("\n")


def pattern(expected):
    return ".*".join(re.escape(piece) for piece in expected.split("..."))


class Documents(unittest.TestCase):
    def run_section(self, files, transcripts):
        nothing = {f"policies.d/{name}": None for name in POLICIES} | {f"rules.d/{name}": None for name in RULES}
        with Gateway(files=nothing | files) as gateway:
            tools = gateway.home / "tools"
            tools.mkdir()
            (tools / "weir").write_text(f'#!/bin/sh\nexec "{WEIR}" -c "{gateway.home}" "$@"\n')
            (tools / "weir").chmod(0o755)
            environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
            for transcript in transcripts:
                for command, expected in commands(transcript):
                    program = command.split()[0]
                    if not shutil.which(program, path=environment["PATH"]):
                        self.skipTest(f"{program} is not installed")
                    real = command.replace("8883", str(gateway.ports["front"])).replace("1883", str(gateway.ports["plain"]))
                    done = subprocess.run(["sh", "-c", real], cwd=gateway.home, env=environment, capture_output=True, text=True,
                                          timeout=DEADLINE_S)
                    printed = (done.stdout + done.stderr).replace("\r", "").rstrip("\n")
                    if expected:
                        self.assertRegex(printed, re.compile(rf"\A{pattern(expected)}\Z", re.S), command)
                    else:
                        self.assertEqual(done.returncode, 0, f"{command}\n{printed}")

    def test_every_key_of_a_policy_is_on_the_page(self):
        page = (DOCS / "policies.md").read_text()
        topics = subprocess.run([WEIR, "explain", "--list"], capture_output=True, text=True, check=True).stdout.split()
        keys = {topic.rsplit(".", 1)[1] for topic in topics if topic.startswith("policies.")}
        self.assertIn("on_violation", keys)
        for key in keys:
            self.assertRegex(page, rf"`(\w+\.)?{key}[`.]")

    def test_every_code_of_a_policy_is_on_the_page(self):
        page = (DOCS / "policies.md").read_text()
        topics = subprocess.run([WEIR, "explain", "--list"], capture_output=True, text=True, check=True).stdout.split()
        for code in topics:
            if code.startswith("WEIR-02"):
                self.assertIn(code.removeprefix("WEIR-"), page)


def add(page, title, files, transcripts):
    name = "test_%s_%s" % (page.removesuffix(".md"), re.sub(r"\W+", "_", title.lower()))
    assert not hasattr(Documents, name), name
    setattr(Documents, name, lambda self: self.run_section(files, transcripts))


for page in ("policies.md", "http.md"):
    for title, files, transcripts in sections(page):
        if transcripts:
            add(page, title, files, transcripts)


if __name__ == "__main__":
    unittest.main()
