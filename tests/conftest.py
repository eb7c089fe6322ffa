"""Fixtures of the tests in network namespaces (net/, console/): one campus for the whole run, one Cordon per file.

A file may say what its Cordon is like:  CORDON = {"mirrors": "policy", "policy_text": "..."}.  Tests
of a class marked 'incremental' are steps of one story: after a failure the rest is skipped.
"""
import os
import shutil
import sys
import tempfile

import pytest

TESTS = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(TESTS)
sys.path.insert(0, os.path.join(TOP, "lab"))
sys.path.insert(0, os.path.join(TESTS, "net"))

import campus as places  # noqa: E402
import cordon as programs  # noqa: E402
import light  # noqa: E402

_running = []  # the Cordon of now, for the report of a failure


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if os.geteuid() == 0 and not config.option.basetemp:
        # pytest's own are closed to everybody else; cordond's roles are somebody else
        made = tempfile.mkdtemp(prefix="cordon-tests-")
        os.chmod(made, 0o711)
        config.option.basetemp = os.path.join(made, "run")
        config.add_cleanup(lambda: shutil.rmtree(made, ignore_errors=True))
    config.addinivalue_line("markers", "incremental: steps of one story")
    config.addinivalue_line("markers", "campus: in the campus that all such tests of a run share")
    config.addinivalue_line("markers", "lab: in small labs of its own; the rest needs no network")


def has_lab(module):
    return any(isinstance(one, type) and issubclass(one, light.Light) for one in vars(module).values())


@pytest.hookimpl(tryfirst=True)  # -m "campus" is looked at behind it
def pytest_collection_modifyitems(items):
    for item in items:
        if "campus" in item.fixturenames:
            item.add_marker(pytest.mark.campus)
        elif has_lab(item.module):
            item.add_marker(pytest.mark.lab)
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="network namespaces need root"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        if item.get_closest_marker("incremental") and report.when == "call":
            item.parent._failed_step = item.name
        for cordon in _running + light.running:
            report.sections.append(("programs", cordon.story()))


def pytest_runtest_setup(item):
    failed = getattr(item.parent, "_failed_step", None)
    if failed and item.get_closest_marker("incremental"):
        pytest.skip(f"an earlier step failed: {failed}")


@pytest.fixture(scope="session", autouse=True)
def open_to_roles(tmp_path_factory):
    """Every folder of the run may be passed by cordond's users."""
    os.chmod(tmp_path_factory.getbasetemp(), 0o711)


@pytest.fixture(scope="session")
def campus():
    with places.Campus() as made:
        yield made


@pytest.fixture(scope="module")
def cordon(request, campus):
    campus.reset()
    before = getattr(request.module, "before_cordon", None)
    if before:
        before(campus)  # what must have worked while nothing was watching
    with programs.Cordon(campus, **getattr(request.module, "CORDON", {})) as made:
        _running.append(made)
        yield made
        _running.remove(made)
    reports = made.sanitizer_reports()  # where CORDON_BUILD is a folder with sanitizers
    assert not reports, "\n".join(reports)


@pytest.fixture(scope="session")
def c1(campus):
    return campus["c1"]


@pytest.fixture(scope="session")
def c2(campus):
    return campus["c2"]


@pytest.fixture(scope="session")
def c3(campus):
    return campus["c3"]


@pytest.fixture(scope="session")
def c4(campus):
    return campus["c4"]


@pytest.fixture(scope="session")
def c5(campus):
    return campus["c5"]


@pytest.fixture(scope="session")
def c6(campus):
    return campus["c6"]
