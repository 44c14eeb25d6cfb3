from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.chain.anvil import local_chain, start_detached
from bridge.chain.rpc import Rpc
from bridge.errors import AnvilFailed, RpcUnreachable, ToolMissing


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def test_a_local_chain_lives_as_long_as_its_block() -> None:
    with local_chain() as chain:
        assert Rpc(chain.url).chain_id == 31337
        assert is_alive(chain.pid)
    assert not is_alive(chain.pid)
    with pytest.raises(RpcUnreachable):
        Rpc(chain.url)


def test_a_local_chain_ends_with_its_block_also_when_that_fails() -> None:
    pids = []

    def fail_inside() -> None:
        with local_chain() as chain:
            pids.append(chain.pid)
            raise KeyError("anything")

    with pytest.raises(KeyError):
        fail_inside()
    assert not is_alive(pids[0])


def test_two_local_chains_are_apart() -> None:
    with local_chain() as one, local_chain() as two:
        assert one.url != two.url
        Rpc(one.url).raw("anvil_mine", "0x5")
        assert (Rpc(one.url).block_number(), Rpc(two.url).block_number()) == (5, 0)


def test_options_reach_the_chain_and_one_that_it_does_not_know_is_named() -> None:
    with local_chain(options=("--chain-id", "11155111")) as chain:
        assert Rpc(chain.url, 11155111).chain_id == 11155111
    with pytest.raises(AnvilFailed, match="Anvil did not start"), local_chain(options=("--no-such-option",)):
        pytest.fail("it started")


def test_a_port_that_is_taken_is_named_and_nothing_stays_behind(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AnvilFailed, match=r"Anvil did not start: .*(in use|os error 98)"):
            start_detached(tmp_path / "log", port=taken.getsockname()[1])


def test_without_node_npm_and_anvil_the_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PROOFBRIDGE_NODE_MODULES", str(tmp_path / "nowhere"))
    with pytest.raises(ToolMissing, match="Node"), local_chain():
        pytest.fail("it started")


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is a Linux system call")
def test_a_local_chain_dies_with_a_parent_that_is_killed() -> None:
    script = (
        "import time\n"
        "from bridge.chain.anvil import local_chain\n"
        "with local_chain() as chain:\n"
        "    print(chain.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert ends(pid)


def test_a_detached_chain_outlives_whoever_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, warnings; from pathlib import Path\n"
        "from bridge.chain.anvil import start_detached\n"
        "chain = start_detached(Path(sys.argv[1]), port=int(sys.argv[2]))\n"
        "print(chain.pid, chain.url)\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-c", script, str(tmp_path / "log"), port]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    pid, url = done.stdout.split()
    try:
        assert is_alive(int(pid))
        assert Rpc(url).chain_id == 31337
    finally:
        os.kill(int(pid), signal.SIGTERM)
    assert ends(int(pid))
