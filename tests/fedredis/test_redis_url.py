"""What URLs may say, what is shown of them, and commands that can be pasted."""

import shutil
import subprocess

import pytest

from fedredis.connection import check, connect
from fedredis.errors import UsageError
from fedredis.redis_url import (
    PASSWORD,
    PASSWORD_FILE,
    SENTINEL_PASSWORD,
    check_url,
    fedredis_command,
    masked,
    redis_cli,
    watched,
    with_password,
    without_password,
)


@pytest.mark.parametrize(
    ("url", "shown", "bare"),
    [
        ("redis://host:6379/0", "redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0", "redis://host:6379/0"),
        ("rediss://ann:hunter2@host/0", "rediss://ann:***@host/0", "rediss://ann@host/0"),
        ("redis://ann:ann@host", "redis://ann:***@host", "redis://ann@host"),
        ("redis://:hun%40ter@host", "redis://:***@host", "redis://host"),
        ("unix://:hunter2@/s.sock?db=0", "unix://:***@/s.sock?db=0", "unix:///s.sock?db=0"),
        ("unix:///s.sock", "unix:///s.sock", "unix:///s.sock"),
        ("redis://ann@host", "redis://ann@host", "redis://ann@host"),
        ("redis://h?password=hunter2&db=1", "redis://h?password=***&db=1", "redis://h?db=1"),
        ("unix:///s?db=0&password=hunter2", "unix:///s?db=0&password=***", "unix:///s?db=0"),
        ("redis://[::1]:7/1?password=p", "redis://[::1]:7/1?password=***", "redis://[::1]:7/1"),
        (
            "redis+sentinel://:p@a:1,b/s/1",
            "redis+sentinel://:***@a:1,b/s/1",
            "redis+sentinel://a:1,b/s/1",
        ),
        (
            "rediss+sentinel://ann:p@a/s?sentinel_password=q&ssl_cert_reqs=none",
            "rediss+sentinel://ann:***@a/s?sentinel_password=***&ssl_cert_reqs=none",
            "rediss+sentinel://ann@a/s?ssl_cert_reqs=none",
        ),
    ],
)
def test_passwords_are_not_shown(url, shown, bare):
    assert (masked(url), without_password(url)) == (shown, bare)
    for one in (url, bare):
        check_url(one)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "it must start with redis://, rediss://, unix://"),
        *((url, "must start") for url in ("host:6379", "localhost", "http://:hunter2@host")),
        *((url, "must start") for url in ("file:///etc/passwd", "unix+sentinel://h/s", "redis:h")),
        *((f"{kind}://h", "takes no cluster") for kind in ("redis+cluster", "rediss-cluster")),
        *(
            (f"redis+sentinel://{rest}", r"write it as redis\+sentinel://HOST:PORT,HOST:PORT/SERV")
            for rest in ("h", "h/", "h:1,g:2", "/main", "h?db=1", "h/a b", ",h/main", "h#1")
        ),
        ("redis+sentinel://:hunter2@h:1,g:x/main", "write it as SCHEME"),
        ("redis+sentinel://u:2/hunter2@h:1/main", "write it as "),
        ("redis+sentinel://h/main/abc", "must be a number"),
        (
            "redis+sentinel://h/main?ssl_ca_certs=f",
            r"which is for rediss://\); .*sentinel_password$",
        ),
        ("redis+sentinel://h/main?sentinel_timeout=1", "has the option 'timeout'"),
        *((f"redis://:hunter2@host:{port}", "write it as") for port in ("p", "99999999", "0")),
        *(
            (url, "write it as")
            for url in ("redis://:hunter2@[::1:6379", "unix://", "redis://h#1")
        ),
        # A password with a character that has to be written otherwise; no part of it is told.
        *((f"redis://:hunter2{c}x@host", "%23 for #, %2F for /") for c in "#/?"),
        ("redis://u:2/hunter2@host", "%40 for @"),
        ("redis://u:2?hunter2=@host", "%40 for @"),
        *((f"redis://h/{db}", "must be a number") for db in ("abc", "-1", "0/1", "1.5", "٣")),
        *((f"redis://h?db={db}", "must be a number") for db in ("abc", "-1", "inf")),
        *((f"redis://h?{twice}", "needs one value") for twice in ("db=", "db=1&db=2")),
        *(
            (f"redis://h/0?{name}=1", f"it has the option '{name}'; there are db, username, pass")
            for name in (
                *("decode_responses", "protocol", "encoding", "foo", "max_connections"),
                *("socket_timeout", "retry_on_error", "health_check_interval", "timeout", "host"),
            )
        ),
        ("redis://h?ssl_ca_certs=/etc", r"'ssl_ca_certs' \(which is for rediss://\)"),
        ("rediss://h?ssl_foo=1", "option 'ssl_foo'; there are db, .*ssl_ca_certs"),
        ("rediss://h?ssl_ca_certs=/no/such", "names a file, and there is no /no/such"),
        ("rediss://h?ssl_check_hostname=perhaps&ssl_min_version=x", "ssl_min_version"),
    ],
)
def test_urls_that_can_not_be_used(url, says):
    with pytest.raises(UsageError, match=rf"^Redis URL .* can't be used: .*{says}") as refusal:
        connect(url)
    assert "hunter2" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_a_url_says_of_sentinels():
    url = "rediss+sentinel://ann:p%2F@a,[::1]:7/main/3?sentinel_password=q&ssl_cert_reqs=none"
    found = watched(url)
    assert found
    assert found.service == "main"
    assert found.sentinels == (
        "rediss://a:26379?password=q&ssl_cert_reqs=none",
        "rediss://[::1]:7?password=q&ssl_cert_reqs=none",
    )
    assert found.server("10.0.0.1", 5) == "rediss://ann:p%2F@10.0.0.1:5/3?ssl_cert_reqs=none"
    assert found.server("fe80::1", 5).startswith("rediss://ann:p%2F@[fe80::1]:5/3?")
    assert watched("redis://host/main") is None


def test_the_environment_holds_the_passwords_of_servers_and_of_sentinels(tmp_path):
    (file := tmp_path / "password").write_text("q&\n")
    url = "redis+sentinel://a,b/main"
    held = {PASSWORD: "p", f"{SENTINEL_PASSWORD}_FILE": str(file)}
    secret = with_password(url, held)
    assert secret == "redis+sentinel://:p@a,b/main?sentinel_password=q%26"
    assert without_password(secret) == url
    assert fedredis_command("fedredis runs", secret, held) == f"fedredis runs --redis-url {url}"
    assert fedredis_command("fedredis runs", secret, {}) == (
        "read -rs REDIS_PASSWORD; export REDIS_PASSWORD; read -rs REDIS_SENTINEL_PASSWORD; "
        f"export REDIS_SENTINEL_PASSWORD; fedredis runs --redis-url {url}"
    )
    # What else is secret in a URL stays there.
    assert "ssl_password=x" in with_password("rediss://h?ssl_password=x", held)


def test_the_environment_holds_a_password(server, tmp_path):
    (file := tmp_path / "its password").write_text("s p@:/\n")
    bare = without_password(server.tcp_url)
    assert with_password(bare, {PASSWORD: server.tcp_url[9:].partition("@")[0]}) == server.tcp_url
    check(with_password(bare, {PASSWORD_FILE: str(server.home / "password")}))
    assert with_password("redis://ann@h/1", {PASSWORD_FILE: str(file)}) == (
        "redis://ann:s%20p%40%3A%2F@h/1"
    )
    assert with_password("unix:///s?db=1", {PASSWORD: "p"}) == "unix://:p@/s?db=1"
    for url in ("redis://:own@h", "redis://h?password=own", "", "redis://[::1"):
        assert with_password(url, {PASSWORD: "p"}) == url
    with pytest.raises(UsageError, match=r"REDIS_PASSWORD_FILE can't be read: .*no-file"):
        with_password(bare, {PASSWORD_FILE: "no-file"})


@pytest.mark.parametrize(
    ("url", "cli"),
    [
        ("redis://host", "-h host -p 6379"),
        ("redis://[::1]:7/12", "-h ::1 -p 7 -n 12"),
        ("redis://h/0?username=ann", "-h h -p 6379 --user ann"),
        ("unix:///a%20b.sock?db=2", "-s '/a b.sock' -n 2"),
        (
            "rediss://ann@h?ssl_ca_certs=a b&ssl_certfile=c&ssl_keyfile=k&ssl_cert_reqs=none",
            "-h h -p 6379 --user ann --cacert 'a b' --cert c --key k --tls --insecure",
        ),
    ],
)
def test_commands_that_reach_the_same_redis(url, cli):
    resume = "fedredis resume run"
    assert redis_cli(url, {}) == f"redis-cli {cli}"
    assert fedredis_command(resume, url, {"REDIS_URL": url}) == resume
    by_option = fedredis_command(resume, url, {"REDIS_URL": "redis://other"})
    assert by_option.startswith(f"{resume} --redis-url ")
    held, in_file = {PASSWORD: "hunter2"}, {PASSWORD_FILE: __file__}
    secret = with_password(url, held)
    assert redis_cli(secret, held) == f'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli {cli}'
    assert fedredis_command(resume, secret, held) == by_option
    assert fedredis_command(resume, secret, {"REDIS_URL": url, **held}) == resume
    assert redis_cli(with_password(url, in_file), in_file) == (
        f'REDISCLI_AUTH="$(cat {__file__})" redis-cli {cli}'
    )
    # Where it stood on the command line, the shell asks for it.
    assert redis_cli(secret, {}) == f"redis-cli {cli} --askpass"
    assert fedredis_command(resume, secret, {}) == (
        f"read -rs REDIS_PASSWORD; export REDIS_PASSWORD; {by_option}"
    )


def test_the_command_works(server):
    if not shutil.which("redis-cli"):
        pytest.skip("redis-cli, a system package, is not on PATH")
    held = {PASSWORD_FILE: str(server.home / "password")}
    for url in (server.tcp_url, server.url):
        line = redis_cli(url, held)
        assert subprocess.check_output(["/bin/sh", "-c", f"{line} ping"]) == b"PONG\n"
