"""What a program reads of a command, while the command goes on."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys

_PATIENCE = 30.0
_GOES_ON = """
import sys
from bridge.cli.screen import Screen
Screen(as_json=True).document({"url": "here"})
sys.stdin.read()
"""


def test_a_document_is_there_while_the_command_that_wrote_it_goes_on() -> None:
    quiet = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", _GOES_ON]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=quiet) as goes_on:
        assert goes_on.stdin is not None
        assert goes_on.stdout is not None
        ready, _, _ = select.select([goes_on.stdout], [], [], _PATIENCE)
        assert ready, "it lies in a buffer"
        assert json.loads(os.read(goes_on.stdout.fileno(), 2**16)) == {"url": "here"}
        assert goes_on.poll() is None
        goes_on.stdin.close()
