"""The driver contract, held by a real cordon-edge on a real switch: the same test as for the dummy."""
import os

import campus as places
import opened

PORT = 8799


def test_a_real_edge_holds_the_driver_contract(campus, cordon):
    cordon.edges["e2"].stop()
    config = os.path.join(cordon.dir, "conformance.yaml")
    with open(os.path.join(cordon.dir, "e2.yaml"), encoding="utf-8") as file:
        text = file.read()
    address = places.MANAGEMENT["ctl"]
    text = text.replace(f"{address}:8701", f"{address}:{PORT}").replace("e2-state", "e2-conformance")
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    edge = campus.machines["e2"].spawn("edge-conformance", cordon.program("cordon-edge"),
                                       "--config", config)
    pki = os.path.join(cordon.state_dir, "pki")
    words = [f"{address}:{PORT}", os.path.join(pki, "ca.pem"), os.path.join(pki, "server.pem"),
             opened.key_written(pki, "server", os.path.join(cordon.dir, "conformance.key")), "e2"]
    test = os.path.join(campus.build, "tests/unit/driver/test_driver_conformance")
    try:
        done = campus.machines["ctl"].run(
            test, env=dict(os.environ, CORDON_EDGE_PEER=" ".join(words)), check=False,
            timeout_s=240)
    finally:
        edge.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    assert edge.popen.returncode == 0, "the edge did not end in order"
