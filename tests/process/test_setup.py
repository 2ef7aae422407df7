"""`tocsin setup` as somebody types it: no configuration, an address with a code, and Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar

import pytest

from tests.process.town import Town

pytestmark = pytest.mark.process


def test_the_address_in_the_terminal_opens_the_page_once_and_ctrl_c_ends_it(tmp_path):
    command = [sys.executable, "-m", "alerts.cli", "setup", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            told = next(line for line in process.stdout if "code=" in line)
            address = re.search(r"http://127\.0\.0\.1:\d+/desk/setup\?code=\S+", told)
            assert address
            browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
            page = browser.open(address[0], timeout=60).read().decode()
            assert 'name="sender"' in page
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(address[0], timeout=60)
        finally:
            process.send_signal(signal.SIGINT)
        rest = "".join(process.stdout)
        assert process.stderr
        assert (process.wait(60), process.stderr.read()) == (0, "")
    assert "Nothing is written before you ask" in rest
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("listen", ["8080", "localhost", "127.0.0.1:99999"])
def test_a_place_that_is_none_is_wrong_use(tmp_path, listen):
    done = Town(tmp_path).tocsin("setup", "--listen", listen)

    assert done.returncode == 2
    assert "host:port" in done.stderr
