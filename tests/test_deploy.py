"""The examples of deployment are what they say: parsed, hardened, and started as the program is."""

from __future__ import annotations

import http.server
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from service.cli import build_parser

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "deploy"
UNITS = ("allervers.service", "allervers-worker.service")
GUIDE = (ROOT / "docs" / "operations.md").read_text("utf-8")

YES = (
    "PrivateTmp", "PrivateDevices", "PrivateUsers", "ProtectHome", "ProtectClock", "ProtectHostname",
    "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectControlGroups", "RestrictNamespaces",
    "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "RemoveIPC", "NoNewPrivileges",
)  # fmt: skip
EXACT = {
    "ProtectSystem": ["strict"],
    "ProtectProc": ["invisible"],
    "CapabilityBoundingSet": [""],
    "AmbientCapabilities": [""],
    "SystemCallArchitectures": ["native"],
    "SystemCallFilter": ["@system-service", "~@privileged @resources @obsolete"],
    "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_UNIX"],
    "LimitCORE": ["0"],
    "MemorySwapMax": ["0"],
    "UMask": ["0077"],
    "StateDirectoryMode": ["0700"],
    "User": ["allervers"],
    "Restart": ["always"],
}


def unit(name: str) -> dict[str, dict[str, list[str]]]:
    """Section → directive → values, in order; refuses a line that is neither."""
    sections: dict[str, dict[str, list[str]]] = {}
    inside: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if found := re.fullmatch(r"\[(\w+)\]", line):
            inside = sections.setdefault(found[1], {})
        else:
            directive, equals, value = line.partition("=")
            assert equals, line
            assert re.fullmatch(r"[A-Z][A-Za-z]+", directive), line
            inside.setdefault(directive, []).append(value)
    return sections


@pytest.mark.parametrize("name", UNITS)
def test_units_are_hardened(name):
    """Every directive that takes something away from the process is there."""
    service = unit(name)["Service"]
    assert {} == {one: service.get(one) for one in YES if service.get(one) != ["yes"]}
    assert {} == {one: service.get(one) for one, value in EXACT.items() if service.get(one) != value}
    assert ["multi-user.target"] == unit(name)["Install"]["WantedBy"]


@pytest.mark.parametrize("name", UNITS)
def test_units_start_the_program_as_it_is(name):
    """The command line parses; the data directory is the one that the unit may write; no secret is in it."""
    service = unit(name)["Service"]
    (command,) = service["ExecStart"]
    arguments = build_parser().parse_args(shlex.split(command)[1:])
    assert f"/var/lib/{service['StateDirectory'][0]}" == str(arguments.data)
    assert "password" not in (FOLDER / name).read_text("utf-8").lower()


@pytest.mark.parametrize("name", UNITS)
def test_systemd_itself_knows_every_directive(name, tmp_path):
    """Where systemd's own checker is there it finds nothing to say; elsewhere the names above are what is known."""
    checker = shutil.which("systemd-analyze")
    text = (FOLDER / name).read_text("utf-8").replace("/opt/allervers/bin/allervers", sys.executable)
    (tmp_path / name).write_text(text)
    if checker is None:
        known = {*YES, *EXACT}
        assert known <= set(unit(name)["Service"])
        return
    done = subprocess.run([checker, "verify", str(tmp_path / name)], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if name in line and "Unknown" in line]
    assert [] == told


def test_the_container_runs_without_rights():
    """Two stages, hashes required, an account without rights, one volume, a health check that asks for readiness."""
    text = (FOLDER / "Containerfile").read_text("utf-8")
    steps = re.findall(r"^([A-Z]+) (.*?)(?<!\\)$", text, re.MULTILINE | re.DOTALL)
    words = [word for word, _ in steps]
    assert 2 == words.count("FROM")
    assert ["10001:10001"] == [value for word, value in steps if word == "USER"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "--require-hashes" in text
    assert ["/data"] == [value for word, value in steps if word == "VOLUME"]
    assert "/readyz" in next(value for word, value in steps if word == "HEALTHCHECK")
    assert not re.search(r"^(ADD|ARG .*(KEY|PASS|SECRET))", text, re.MULTILINE)
    command = next(value for word, value in steps if word == "CMD")
    build_parser().parse_args(re.findall(r'"([^"]+)"', command))
    for option in ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--ulimit=core=0"):
        assert option in text
    copied = {name for word, value in steps if word == "COPY" and "--from" not in value for name in value.split()[:-1]}
    assert set() == {name for name in copied if not (ROOT / name).exists()}


def test_the_proxy_passes_what_signatures_cover():
    """Balanced, TLS 1.3 only, body as large as a chunk, path untouched, nothing logged."""
    text = re.sub(r"#.*", "", (FOLDER / "nginx.conf").read_text("utf-8"))
    assert text.count("{") == text.count("}")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert [] == [line for line in lines if not line.endswith((";", "{", "}"))]
    for line in (
        "ssl_protocols TLSv1.3;",
        "client_max_body_size 17m;",
        "proxy_request_buffering off;",
        "proxy_pass http://127.0.0.1:8443;",  # without a path: it is passed as it came
        "proxy_set_header Host $host;",
        "access_log off;",
    ):
        assert line in lines
    assert not re.search(r"rewrite|sub_filter|X-Forwarded", text)
    assert "X25519MLKEM768" in text


def shell_blocks(heading: str) -> list[str]:
    """The blocks of commands under a heading of the guide."""
    part = GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", part, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_tls_guide_work(tmp_path):
    """Run as they are written: authority, certificate, and a server that curl believes by them and refuses otherwise."""
    make, ask = shell_blocks("HTTPS by a reverse proxy")
    subprocess.run(["/bin/sh", "-ec", make], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(tmp_path / "tiers.pem", tmp_path / "tiers-key.pem")

    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v1/identity" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ready)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        port = server.server_address[1]
        command = ask.replace("tiers.example.gouv.fr/", f"tiers.example.gouv.fr:{port}/")
        assert command != ask
        here = ["--resolve", f"tiers.example.gouv.fr:{port}:127.0.0.1"]
        words = shlex.split(command.strip())
        assert (
            0
            == subprocess.run([words[0], *here, *words[1:]], cwd=tmp_path, check=False, capture_output=True).returncode
        )
        with pytest.raises(ssl.SSLError):
            _plain(port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _plain(port: int) -> None:
    """Ask as somebody who does not know the authority."""
    context = ssl.create_default_context()
    context.check_hostname = False
    try:
        urllib.request.urlopen(f"https://127.0.0.1:{port}/v1/identity", context=context)
    except urllib.error.URLError as error:
        raise error.reason from None  # type: ignore[misc]


def test_the_guide_names_the_examples():
    """Each file of the folder is linked from the guide."""
    assert {one.name for one in FOLDER.iterdir()} == set(re.findall(r"\(deploy/([\w.-]+)\)", GUIDE))
