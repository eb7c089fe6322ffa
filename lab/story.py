"""The story of one infection, step by step; played by lab/demo and asserted by tests/net/test_story.

Each step is checked by real traffic between the machines of the campus.  What Cordon says of itself
is checked too, but never instead."""
import json
import os
import socket
import time

import campus as places
import malware
import oracles
from cordon import parse_time
from netns import LabError, wait_for
from probes import (Arp, Dns, Http, Neighbour, Ping, Probed, Tcp, Tls, Udp, can, cannot,
                    cannot_be_reached)

PROBE_URLS = (  # what systems ask to find out about captive portals
    "http://connectivitycheck.gstatic.com/generate_204",
    "http://captive.apple.com/hotspot-detect.html",
    "http://www.msftconnecttest.com/connecttest.txt",
    "http://detectportal.firefox.com/canonical.html",
    "http://nmcheck.gnome.org/check_network_status.txt",
)
WORDS = ("通信を制限しています", "restricted for safety", "7700")  # of the warning page


def check(truth, text):
    if not truth:
        raise Probed(text)


def pairs_of_others(campus):
    """Who keeps talking while c2 is dealt with: everybody else, near and far."""
    c1, c3, c4, c5, c6 = (campus[name] for name in ("c1", "c3", "c4", "c5", "c6"))
    return [(c1, c3), (c4, c5), (c1, c6), (c3, c4), (c5, campus["upd"]), (c6, campus["web"]),
            (c3, campus["world"]), (c4, campus["svc"])]


class Story:
    def __init__(self, campus, cordon, say=lambda text: None):
        self.campus, self.cordon, self.say = campus, cordon, say
        self.c1, self.c2, self.c3, self.c4, self.c5, self.c6 = campus.clients
        self.upd, self.web, self.svc = campus["upd"], campus["web"], campus["svc"]
        self.world, self.cnc = campus["world"], campus["cnc"]
        self.flows = self.witness = self.c2_containment = None
        self.residual = []

    # ------------------------------------------------------- what c2 can do

    def to_anywhere(self):
        """Probes that must fail from a contained endpoint, by what they ask."""
        c1, c4 = self.c1, self.c4
        return [Ping(c1.ip4), Ping(c1.ip6), Tcp(c1.ip4), Tcp(c1.ip6), Udp(c1.ip4), Udp(c1.ip6),
                Ping(c4.ip4), Ping(c4.ip6), Tcp(c4.ip4), Tcp(c4.ip6), Udp(c4.ip6),
                Http(self.web.ip4, "www.campus.test", "Campus web"),
                Http(self.web.ip6, "www.campus.test", "Campus web"),
                Http(self.world.ip4, "www.world.example", "World"),
                Http(self.world.ip6, "www.world.example", "World"),
                Tls(self.world.ip4, "www.world.example"), Tls(self.world.ip6, "www.world.example"),
                Ping(self.world.ip4), Ping(self.world.ip6), Udp(self.world.ip4),
                Udp(self.upd.ip4), Ping(self.upd.ip4), Ping(self.upd.ip6), Tcp(self.upd.ip4, 445),
                Udp(self.svc.ip4), Ping(self.svc.ip4), Tcp(self.svc.ip4, 445)]

    def on_the_wire(self):
        """ARP and ND for neighbours; c3 is the twin, so not for c3."""
        return [Arp(self.c1.ip4), Arp(self.c4.ip4), Neighbour(self.c1.ip6), Neighbour(self.c4.ip6)]

    def permitted(self):
        return [Dns(self.svc.ip4, "update.campus.test"),  # first: its answer permits the address
                Http(self.upd.ip4, "update.campus.test", "Update server"),
                Tls(self.upd.ip4, "update.campus.test"), Tls(self.upd.ip6, "update.campus.test")]

    def towards_c2(self):
        """(who asks, what): must fail of a contained c2, work of c3."""
        return [(self.c1, lambda h: Ping(h.ip4)), (self.c1, lambda h: Ping(h.ip6)),
                (self.c1, lambda h: Tcp(h.ip4)), (self.c1, lambda h: Arp(h.ip4)),
                (self.c1, lambda h: Neighbour(h.ip6)), (self.c5, lambda h: Tcp(h.ip6)),
                (self.c5, lambda h: Udp(h.ip4)), (self.world, lambda h: Ping(h.ip6)),
                (self.web, lambda h: Udp(h.ip6)), (self.upd, lambda h: Ping(h.ip4))]

    def odd_frames(self, sender, target):
        """Frames that a stack does not send by itself: {name: bytes}."""
        to, own = (bytes.fromhex(h.mac.replace(":", "")) for h in (target, sender))
        packet = malware.ip4_udp(sender.ip4, target.ip4, 9999, b"odd")
        late = malware.ip4_udp(sender.ip4, target.ip4, 9999, b"odd", fragment=185)
        all_ = b"\xff" * 6
        mdns = malware.ip4_udp(sender.ip4, "224.0.0.251", 5353, b"odd")
        return {
            "802.1Q": to + own + b"\x81\x00\x00\x64\x08\x00" + packet,
            "QinQ": to + own + b"\x88\xa8\x00\x65\x81\x00\x00\x64\x08\x00" + packet,
            "later fragment": to + own + b"\x08\x00" + late,
            "experimental ethertype": to + own + b"\x88\xb5" + b"x" * 46,
            "broadcast": all_ + own + b"\x08\x00" + malware.ip4_udp(
                sender.ip4, "255.255.255.255", 9999, b"odd"),
            "multicast": b"\x01\x00\x5e\x00\x00\xfb" + own + b"\x08\x00" + mdns,
            "LLC": to + own + b"\x00\x26" + b"\x42\x42\x03" + b"x" * 43,
            "router advertisement": b"\x33\x33\0\0\0\x01" + own + b"\x86\xdd" + malware.ip6_ra(),
        }

    def odd_frames_arrive(self, sender, target, patience_s=30):
        """Which of them arrive?  Counted one by one at the target; frames that do so in no time."""
        arrived = set()
        with oracles.watching(self.campus, target.name, "eth0") as witness:
            witness.suspect_address("mac", sender.mac)
            for name, frame in self.odd_frames(sender, target).items():
                witness.clear()
                malware.raw(sender, frame)
                try:
                    wait_for(witness.kinds, name, patience_s, 0.01, least_s=0)
                    arrived.add(name)
                except LabError:
                    pass
        return arrived

    # ------------------------------------------------------------ 1: the campus

    def everybody_talks(self):
        """Clients have addresses and talk: web, DNS, file traffic among themselves."""
        for client in self.campus.clients:
            can(Dns(self.svc.ip4, "www.campus.test"), client)
            can(Http(self.web.ip4, "www.campus.test", "Campus web"), client)
            can(Http(self.world.ip6, "www.world.example", "World"), client)
            for other in self.campus.clients:
                if other is not client:
                    can(Tcp(other.ip4), client)
                    can(Tcp(other.ip6), client)
        for host in (self.c2, self.c3):
            for probe in self.to_anywhere() + self.on_the_wire() + self.permitted():
                can(probe, host)
        for asker, make in self.towards_c2():
            can(make(self.c2), asker)
            can(make(self.c3), asker)
        every = set(self.odd_frames(self.c2, self.c3))
        for sender in (self.c1, self.c2):
            arrived = self.odd_frames_arrive(sender, self.c3)
            check(arrived == every, f"of {sender} only {arrived} arrive")
        for name in PROBE_URLS[:1]:
            check(self.c2.get(name, timeout_s=2).returncode != 0, "the campus has no such server")

    def mirror_carries_internet_traffic(self):
        """The mirror port carries what goes to the Internet, and not what stays inside."""
        with oracles.watching(self.campus, "sensor", "mon") as mirror:
            mirror.suspect(self.c4)
            can(Http(self.world.ip4, "www.world.example", "World"), self.c4)
            wait_for(lambda: "ip4 tcp 80" in mirror.kinds(), "the request on the mirror port", 30)
            can(Tcp(self.c5.ip4), self.c4)
            check("ip4 tcp 445" not in mirror.kinds(),
                  "file traffic between clients is on the core's mirror port")
        with oracles.watching(self.campus, "sensor", "span", everything=True) as remote:
            can(Tcp(self.c5.ip4), self.c4)
            wait_for(lambda: remote.kinds().get("ip4 proto 47", 0) > 4,
                     "ERSPAN copies of file traffic", 30)

    # ----------------------------------------------------------- 2: the picture

    def endpoints_are_known(self):
        """Each endpoint with MAC, all its addresses, name, switch, port, since when."""
        for client in self.campus.clients:
            # It speaks with each of its addresses, as it does all day.
            held = {address for _, address, _ in client.addresses()}
            for _, address, _ in client.addresses():
                client.run("ping", "-c1", "-W1", "-n", "-I", address,
                           self.web.ip6 if ":" in address else self.web.ip4, check=False)

            def known():
                endpoint = self.cordon.endpoint(client)
                return endpoint if endpoint and held <= set(endpoint["addresses"]) else None
            endpoint = wait_for(known, f"all addresses of {client.name}: {held}, known "
                                f"{self.cordon.endpoint(client)}", 30, 0.1)
            check(endpoint["macs"] == [client.mac], f"{client.name}: {endpoint['macs']}")
            location = endpoint["location"]
            check((location["switch"], location["port"]) == client.plugged,
                  f"{client.name} is at {client.plugged}, said to be at {location}")
            check(location["class"] == "direct", f"{client.name}: {location}")
            check(endpoint["first_seen"] <= endpoint["last_seen"], "since when")
        table = self.cordon.ctl("endpoints").stdout
        for client in self.campus.clients:
            check(client.name in table and client.mac in table, f"cordonctl endpoints: {table}")

    def links_are_known(self):
        """The links between switches, both ends, by LLDP."""
        want = {frozenset({("core", "e1"), ("e1", "uplink")}),
                frozenset({("core", "e2"), ("e2", "uplink")})}

        def known():
            return {frozenset((end["switch"], end["port"]) for end in (link["a"], link["b"]))
                    for link in self.cordon.api.items("/links") if link["confirmed"]}
        wait_for(lambda: known() == want, "both links, confirmed by both ends", 40, 0.2)
        check("uplink" in self.cordon.ctl("links").stdout, "cordonctl links")

    def location_is_explained(self):
        """Why we think that c2 is there."""
        text = self.cordon.ctl("endpoint", "show", "c2").stdout
        why = self.cordon.api.get(f"/endpoints/{self.cordon.endpoint(self.c2)['id']}")
        check(why["location"].get("why"), f"no reason in {why['location']}")
        check(why["location"]["why"] in text.replace("\n", " ") or "p2" in text,
              f"cordonctl endpoint show c2: {text}")
        check(why.get("client_id"), "no DHCP client id")

    # ---------------------------------------------------------- 3: the infection

    def watch_everybody(self):
        """Starts the flows of all others and the witness of every frame of c2."""
        self.flows = oracles.Flows(self.campus, pairs_of_others(self.campus))
        self.flows.begin()
        others = [self.c1, self.c3, self.c4, self.c5, self.c6, self.web, self.campus["rt"],
                  self.cnc, self.world, self.upd, self.svc]
        self.witness = oracles.Witness(self.campus, others)
        self.witness.suspect(self.c2)

    def infect_c2(self):
        """c2 looks up a listed domain, contacts the server over HTTP and TLS and sweeps its
        neighbours on TCP 445, on its own edge switch."""
        for address in places.SWEPT:  # its neighbours are in its ARP cache, as anywhere
            can(Ping(address), self.c2)
        self.infected_at = time.time()
        malware.outbreak(self.campus, self.c2, places.CNC_NAME, places.SWEPT + [self.c1.ip4])
        check(self.witness.counts().get("cnc"), "not one packet of c2 ever reached the C&C server")

    def detections_of(self, client):
        endpoint = self.cordon.endpoint(client)
        found = []
        for incident in self.cordon.api.items(f"/incidents?endpoint={endpoint['id']}"):
            found += self.cordon.api.get(f"/incidents/{incident['id']}")["detections"]
        return found

    def detections_are_reported(self):
        """The C&C contact with strong evidence, and the sweep as lateral movement, with ATT&CK ids
        and the packets that prove them."""
        def contact():
            return [d for d in self.detections_of(self.c2)
                    if d["phase"] == "c2" and d["strength"] == "strong"]

        def swept():
            return [d for d in self.detections_of(self.c2) if d["phase"] == "lateral_movement"]
        strong = wait_for(contact, "a C&C detection with strong evidence", 30)
        sweeps = wait_for(swept, "a detection of the sweep", 30)
        check(any(d.get("techniques") for d in strong), "C&C contact without technique")
        check(any(d.get("techniques") for d in sweeps), "sweep without technique")
        with_packets = wait_for(lambda: [d for d in contact() + swept() if d["has_evidence"]], "evidence", 30)
        pcap = wait_for(lambda: self.cordon.evidence(with_packets[0]["id"]), "the pcap", 30)
        check(pcap[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\xc3\xd4",
                           b"\xa1\xb2\x3c\x4d") and len(pcap) > 24 + 16, "evidence is no pcap")

    # -------------------------------------------------------------- 4: decision

    def c2_is_isolated(self):
        """Isolated by policy; requested, located, applied, verified; nobody else is."""
        self.c2_containment = self.cordon.wait_state("verified", self.c2, "isolate")
        check(self.c2_containment["requested_by"].startswith("policy:"), "not asked for by policy")
        check(self.c2_containment.get("permit_set") == "updates", "wrong permit set")
        states = {report["switch"]: report["state"] for report in self.c2_containment["switches"]}
        check(states == {"core": "verified", "e1": "verified", "e2": "verified"}, f"{states}")
        times = [parse_time(mark["at"]) for mark in self.c2_containment["timeline"]]
        check(times == sorted(times), f"the timeline is not in order: "
              f"{self.c2_containment['timeline']}")
        steps = [mark["step"] for mark in self.c2_containment["timeline"]]
        check(steps[0] == "packet" and steps[-1] == "verified", f"steps: {steps}")
        check(abs(times[0] - self.infected_at) < 30, "the packet was not then")
        isolated = {i.get("host_name") for i in self.cordon.containments(action="isolate")
                    if i["state"] != "pending"}
        check(isolated == {"c2"}, f"isolated: {isolated}")

    # ------------------------------------------------------------------ 5: the cut

    def c2_is_cut_off(self):
        """No neighbour, server or Internet host, by IPv4, IPv6 or ARP, in either direction."""
        for probe in self.to_anywhere() + self.on_the_wire():
            cannot(probe, self.c2, twin=self.c3)
        for asker, make in self.towards_c2():
            cannot_be_reached(make, self.c2, from_=asker, twin=self.c3)

    def permits_work(self):
        """It reaches the update server and the resolver exactly as permitted, and DHCP."""
        for probe in self.permitted():
            can(probe, self.c2)
        cannot(Udp(self.upd.ip4), self.c2, twin=self.c3)
        cannot(Tcp(self.upd.ip4, 445), self.c2, twin=self.c3)
        real = can(Dns(self.svc.ip4, "www.world.example"), self.c3)
        lie = Dns(self.svc.ip4, "www.world.example").ask(self.c2)[0]
        check(lie != real, "the resolver answered c2 about a name that is not permitted")
        lease = self.c2.ip4
        self.c2.start_dhcp()
        wait_for(self.c2.is_ready, "c2 gets a lease although it is contained", 30)
        check(self.c2.ip4 == lease, f"another address: {self.c2.ip4}, had {lease}")

    def browser_shows_why(self):
        """curl gets the page for any HTTP URL and for the captive-portal probes; HTTPS a reset and
        QUIC an ICMP refusal, both at once."""
        urls = PROBE_URLS + ("http://www.world.example/", "http://www.campus.test/a/b?c=d",
                             "http://no.such.name.example/")
        for url in urls:
            got = self.c2.get(url)
            check(got.returncode == 0 and all(word in got.stdout for word in WORDS),
                  f"{url}: {got.returncode} {got.stderr} {got.stdout[:200]}")
        page = self.c2.get("http://www.world.example/").stdout
        check(self.c2_containment["case_number"] in page, "no case number on the page")
        can(Http(self.world.ip6, "www.world.example", WORDS[0]), self.c2)
        for address in (self.world.ip4, self.world.ip6):
            self.refused(Tls(address, "www.world.example"), "refused", "reset")
            self.refused(Udp(address, 443), "refused")

    def refused(self, probe, *words):
        """c2 is told so before it gives up waiting (it may be c2 that does not run for a moment: then it asks
        again)."""
        def told():
            answer, why, _, _ = probe.ask(self.c2)
            check(not answer, f"c2 can {probe}")
            return any(word in why for word in words)
        wait_for(told, f"{probe} is refused at once", 30)

    def chromium_shows_why(self):
        """The same in a real browser; keeps a picture of it."""
        picture = os.path.join(self.campus.log_dir, "warning.png")
        dom = self.chromium("--dump-dom", "http://www.world.example/")
        for word in WORDS:
            check(word in dom, f"Chromium does not show '{word}': {dom[:400]}")
        self.chromium(f"--screenshot={picture}", "http://www.world.example/")
        check(os.path.getsize(picture) > 5000, "the picture is empty")
        return picture

    def chromium(self, *words):
        profile = os.path.join(self.campus.dir, "chromium")
        done = self.c2.run("chromium", "--headless=new", "--no-sandbox", "--disable-quic",
                           "--disable-gpu", "--no-first-run", "--disable-background-networking",
                           "--disable-component-update", "--disable-sync", "--no-proxy-server",
                           "--disable-features=HttpsUpgrades,HttpsFirstBalancedMode",
                           f"--user-data-dir={profile}", "--window-size=1000,700",
                           "--virtual-time-budget=4000", *words, resolver=self.c2.resolver,
                           timeout_s=180, env=dict(os.environ, HOME=self.campus.dir))
        return done.stdout

    def nobody_else_lost_a_frame(self):
        lost = self.flows.lost()
        check(not lost, f"frames lost: {lost}")
        check(self.flows.total() > 100, "the flows did not run")
        return self.flows.total()

    def nothing_passed(self):
        """Not one packet of c2 at anybody it may not reach."""
        strangers = self.witness.strangers(permitted=("upd", "svc"))
        check(not strangers, f"packets of c2 passed: {strangers}")

    def nothing_of_c2_arrives(self):
        """The witness on every other host: not one packet of c2, but for what is permitted."""
        self.witness.suspect(self.c2)
        self.witness.clear()
        for probe in self.to_anywhere()[:8] + self.on_the_wire():
            probe.ask(self.c2)
        self.nothing_passed()
        arrived = self.odd_frames_arrive(self.c2, self.c3, 0.15)
        check(not arrived, f"of c2 there arrived: {arrived}")
        every = set(self.odd_frames(self.c1, self.c3))
        check(self.odd_frames_arrive(self.c1, self.c3) == every, "the twin's do not arrive")

    # --------------------------------------------------------------- 6: the server

    def nobody_reaches_the_server(self):
        """The C&C server is blocked for all; everything else still works."""
        ip4, ip6 = places.CNC[places.CNC_NAME]
        wait_for(lambda: {ip4, ip6} <= {c.get("server") for c in self.cordon.containments(
            action="block_server") if c["state"] == "verified"}, "both addresses are blocked", 30)
        for client in (self.c1, self.c3, self.c6):
            for target, fine in ((ip4, self.world.ip4), (ip6, self.world.ip6)):
                cannot_be_reached(lambda address: Ping(address), target, from_=client, twin=fine)
                cannot_be_reached(lambda address: Tcp(address, 80), target, from_=client, twin=fine)
            can(Tls(self.world.ip4, "www.world.example"), client)

    def only_a_pair_is_blocked(self):
        """c4 and one server; c5 still reaches that server, c4 everything else."""
        address = places.CNC["pair.evil.example"][0]
        malware.contact(self.campus, self.c4, "pair.evil.example")
        self.cordon.wait_state("verified", self.c4, "block_pair")
        cannot(Ping(address), self.c4, twin=self.c5)
        for probe in (Http(self.world.ip4, "www.world.example", "World"), Tcp(self.c5.ip4),
                      Http(self.web.ip4, "www.campus.test", "Campus web")):
            can(probe, self.c4)

    def isolated_without_permits(self):
        """c6 may reach nothing at all, not even the update server and the resolver."""
        probes = self.permitted()
        for probe in probes:
            can(probe, self.c6)
        malware.contact(self.campus, self.c6, "hard.evil.example")
        containment = self.cordon.wait_state("verified", self.c6, "isolate")
        check(not containment.get("permit_set"), f"{containment}")
        for probe in probes:
            cannot(probe, self.c6, twin=self.c3)

    # ------------------------------------------------------------------ 7: it moves

    def c2_moves(self):
        """To the other edge switch: not one packet passes, from the first on."""
        self.witness.suspect(self.c2)
        self.witness.clear()
        knocking = self.c2.ns.spawn("knocking", "sh", "-c", " ".join(
            f"ping -i 0.005 -n -q {address} &" for address in (
                self.c1.ip4, self.c4.ip4, self.web.ip4, self.c1.ip6, self.c4.ip6)) + " wait")
        try:
            wait_for(knocking.is_running, "pings", 30)
            self.campus.plug(self.c2, "e2", "p4")

            def there():
                location = (self.cordon.endpoint(self.c2) or {}).get("location") or {}
                return (location.get("switch"), location.get("port")) == ("e2", "p4")
            wait_for(there, "the move is known", 30)
            for probe in (Ping(self.c1.ip4), Ping(self.c4.ip4), Ping(self.c1.ip6),
                          Http(self.web.ip4, "www.campus.test", "Campus web")):
                cannot(probe, self.c2, twin=self.c3)
        finally:
            kill_group(knocking)
        self.nothing_passed()
        self.history_says("moved", "e2/p4")

    def history_says(self, kind, text):
        def found():
            detail = self.cordon.api.get(f"/endpoints/{self.cordon.endpoint(self.c2)['id']}")
            return [e for e in detail["events"] if e["kind"] == kind and text in e.get("detail", "")]
        wait_for(found, f"'{kind} {text}' in the history of c2", 30, 0.1)

    def c2_takes_other_addresses(self):
        """An IPv4 address by hand and a new temporary IPv6 address: still contained."""
        self.witness.clear()
        self.c2.set_ip4(f"{places.CAMPUS4}.222")
        temporary = self.c2.random_ip6()
        self.witness.suspect(self.c2)
        for probe in (Ping(self.c1.ip4), Tcp(self.c4.ip4), Ping(self.c4.ip6), Arp(self.c1.ip4),
                      Http(self.world.ip6, "www.world.example", "World")):
            cannot(probe, self.c2, twin=self.c3)
        self.nothing_passed()
        self.history_says("address_new", f"{places.CAMPUS4}.222")
        self.history_says("address_new", temporary)

    def c2_takes_another_mac(self):
        """Another MAC with the same DHCP client id, on another port: contained at once."""
        self.campus.unplug(self.c2)
        self.c2.stop_dhcp()
        self.c2.ns.ip("link set dev eth0 down")
        self.c2.set_mac("02:00:00:00:02:c2")
        self.campus.plug(self.c2, "e2", "p5")
        self.c2.start_dhcp()
        wait_for(self.c2.is_ready, "c2 has a lease with its new MAC", 30)
        wait_for(lambda: not Ping(self.c1.ip4).ask(self.c2)[0], "c2 is cut off", 30)
        for probe in (Ping(self.c1.ip4), Ping(self.c4.ip6), Tcp(self.c4.ip4),
                      Http(self.web.ip4, "www.campus.test", "Campus web")):
            cannot(probe, self.c2, twin=self.c3)
        endpoint = wait_for(lambda: (lambda e: e if e and self.c2.mac in e["macs"] else None)(
            self.cordon.endpoint(self.c2)), "both MACs at one endpoint", 30)
        check(len(endpoint["macs"]) == 2, f"{endpoint['macs']}")
        self.history_says("mac_joined", self.c2.mac)

    def c2_hides_its_mac(self):
        """Another MAC without DHCP, on its port and with no link-down: held by the port."""
        self.c2.set_ip4(f"{places.CAMPUS4}.223")
        self.c2.set_mac("02:00:00:00:03:c2")
        self.witness.suspect(self.c2)
        self.witness.clear()
        for probe in (Ping(self.c1.ip4), Ping(self.c4.ip4), Tcp(self.c4.ip4), Arp(self.c1.ip4)):
            cannot(probe, self.c2, twin=self.c3)
        self.nothing_passed()

    def c2_comes_home(self):
        """Its own MAC, port and lease again; contained all the same."""
        self.c2.stop_dhcp()
        self.campus.unplug(self.c2)
        self.c2.ns.ip("link set dev eth0 down")
        self.c2.set_mac("02:00:00:00:00:02")
        self.campus.plug(self.c2, *self.campus.home(self.c2))
        self.c2.start_dhcp()
        wait_for(self.c2.is_ready_by_ip4, "c2 has its lease again", 30)
        cannot(Ping(self.c1.ip4), self.c2, twin=self.c3)

    # ----------------------------------------------------------------- 11: release

    def switches_are_level(self):
        """Does every switch hold what it should, and nothing else?"""
        return all(switch["observed_generation"] == switch["desired_generation"]
                   for switch in self.cordon.api.items("/switches"))

    def c2_is_released(self):
        """Released by the operator with a reason: traffic flows at once, also to neighbours that
        cached ARP."""
        containment = self.cordon.containments(self.c2, "isolate", pending=False)[0]
        self.cordon.ctl("release", containment["id"], "--reason", "cleaned and checked")
        began = time.monotonic()
        # acknowledged when it is on disk; the switches hear of it in the same moment
        wait_for(self.switches_are_level, "every switch has let go of c2", 30, 0.001)
        took_ms = (time.monotonic() - began) * 1000
        first = Ping(self.c2.ip4).ask(self.c1)
        if not first[0]:  # the machine may be busy for as long as one waits for an answer
            first = Ping(self.c2.ip4).ask(self.c1)
        check(first[0], f"c1, whose ARP cache knows c2, cannot ping it {took_ms:.0f} ms after the "
                        f"release: {first[1]}; c2 believes: "
                        f"{self.c2.ns.run('ip', 'neigh').stdout}; e1: "
                        f"{self.cordon.api.get('/switches/e1')['problems']}")
        for probe in (Ping(self.c1.ip4), Tcp(self.c4.ip4), Http(self.web.ip4, "www.campus.test",
                                                                "Campus web"),
                      Http(self.world.ip4, "www.world.example", "World")):
            check(probe.ask(self.c2)[0] or probe.ask(self.c2)[0], f"c2 cannot {probe} at once")
        ended = self.cordon.api.get(f"/containments/{containment['id']}")
        check(ended["state"] == "released" and ended["end_reason"] == "cleaned and checked"
              and ended["ended_by"], f"{ended}")

    def another_expires(self):
        """A containment with an expiry ends by itself."""
        can(Ping(self.c4.ip4), self.c5)
        endpoint = self.cordon.endpoint(self.c5)
        made = self.cordon.api.post("/containments", {
            "action": "isolate", "endpoint_id": endpoint["id"], "reason": "a short one",
            "expires_in_s": 10})  # room to look whether it holds, on a machine that has much to do
        self.cordon.wait_state("verified", self.c5, "isolate")
        cannot(Ping(self.c4.ip4), self.c5, twin=self.c3)
        wait_for(lambda: self.cordon.api.get(f"/containments/{made['id']}")["state"] == "expired",
                 "it expires", 30, 0.1)
        can(Ping(self.c4.ip4), self.c5)

    # ----------------------------------------------------------------- the timeline

    def timeline(self, containment=None):
        """The table at the end: every step of c2's containment with its time."""
        shown = self.cordon.ctl_json("containment", "show",
                                     (containment or self.c2_containment)["id"])
        rows = [("step", "since the packet", "step took", "")]
        for mark in shown["timeline"]:
            rows.append((mark["step"], f"{mark['since_start_us'] / 1000:9.3f} ms",
                         f"{mark['step_us'] / 1000:9.3f} ms", mark.get("detail", "")[:50]))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        return "\n".join("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths))
                         + "  " + row[3] for row in rows)


def kill_group(process):
    """Ends a program and what it started (it leads a session of its own)."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.popen.wait(30)
