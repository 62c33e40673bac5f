# SPDX-License-Identifier: Apache-2.0
"""What docs/guide.md says of an agent without a controller, typed as it stands there."""
import os

import basekit
import dockit
import pytest

SECTION = "One base without a controller"
page = dockit.Page((basekit.TOP / "docs" / "guide.md").read_text(encoding="utf-8"))


@pytest.mark.real
def test_the_section_shows_what_is_printed(base, agent, tmp_path):
    (section,) = [one for one in page.sections if one.title == SECTION]
    assert len(section.steps) > 10

    def jar(name, version):
        return base.jar(name, version, web_context_path="", Test_Web="false")

    (tmp_path / "pay-1.0.0.jar").write_bytes(jar("pay", "1.0.0").path.read_bytes())
    programs = basekit.find_program("koupleless").parent
    typist = dockit.Typist(
        tmp_path, {"PATH": f"{programs}:{os.environ['PATH']}", "KOUPLELESS_INSECURE": "1", "KOUPLELESS_ADDRESS": agent.grpc},
        {f"https://repo.example.com/{name}-{version}.jar": jar(name, version).as_uri()
         for name, version in (("pay", "2.0.0"), ("ship", "1.0.0"))})
    for step in section.steps:
        typist.run(step)
    assert base.modules() == {}
