"""A browser beside the controller, signed in as an administrator."""
import os
import shutil

import pytest

from browser import TOP, Browser

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def browser(campus, cordon):
    if not os.path.isdir(os.path.join(TOP, "console", "node_modules", "playwright-core")):
        pytest.skip("the console was not built")
    if not shutil.which("chromium"):
        pytest.skip("there is no chromium")
    made = Browser(campus.machines["ctl"], "https://127.0.0.1:8443")
    yield made
    made.close()


@pytest.fixture(scope="module")
def admin(browser, cordon):
    """Signed in for the first time: with the password that the first start made."""
    with open(os.path.join(cordon.state_dir, "admin.password"), encoding="ascii") as file:
        first = file.read().strip()
    browser.sign_in("admin", first)
    browser.heading("Choose your own password")
    browser.fill("Password so far", first)
    browser.fill("New password (at least 12 characters)", PASSWORD)
    browser.fill("New password, once more", PASSWORD)
    browser.click("Set password")
    browser.heading("Dashboard")
    return browser
