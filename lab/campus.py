#!/usr/bin/python3
"""A campus in network namespaces, for the demo and the tests.

                        cnc   world                        (the "Internet": 203.0.113.0/24)
                          \\   /
                           rt  router, RA                  rt
                            |
   svc (DHCP, DNS)  upd  web |                              servers: 10.77.0.2, .10, .20
              \\      \\   \\  |
               +------ core ------+---- mon ---> sensor     port mirror
                  /          \\
                e1            e2                            edge switches
              / | \\         / | \\
           [ patch panel: any client on any port ]          panel
            c1 c2 c3       c4 c5 c6                         clients: DHCP, SLAAC
            vms on e1/p6: a host with sixteen addresses and nothing on TCP 445, to be swept

Every switch is a Linux bridge.  core, e1, e2, the sensor and ctl (cordond) also have a port on a
management network (10.99.0.0/24), which carries TLS and ERSPAN.  The patch panel is the cables: it
joins a client's plug to a switch port with tc, so that a move is link-down here and link-up there,
as with real cables, and switch ports exist all the time.

Run by hand: lab/campus.py starts a campus and waits for Ctrl-C; lab/campus.py --clean PREFIX (or
"all") takes away what a killed one left behind.
"""
import argparse
import atexit
import concurrent.futures
import ctypes
import ipaddress
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns
import services
from netns import LabError, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
BASE_DIR = "/var/tmp/cordon-lab"
PREFIX_PATTERN = r"(cl|ll)[0-9a-f]{5}"  # campuses, and the small labs of light.py

CLIENTS = ("c1", "c2", "c3", "c4", "c5", "c6")
SERVERS = ("svc", "upd", "web", "rt")
OUTSIDE = ("cnc", "world")
VMS = "vms"
SWITCHES = ("core", "e1", "e2")
EDGE_PORTS = ("p1", "p2", "p3", "p4", "p5")
MACHINES = SWITCHES + ("panel", "mg", "ctl", "sensor") + SERVERS + OUTSIDE + CLIENTS + (VMS,)

CAMPUS4, CAMPUS6 = "10.77.0", "2001:db8:77:"
INTERNET4, INTERNET6 = "203.0.113", "2001:db8:f00d:"
ADDRESSES = {  # host: (MAC, IPv4, IPv6) of its interface eth0
    "rt": ("02:00:00:00:01:01", f"{CAMPUS4}.1", f"{CAMPUS6}:1"),
    "svc": ("02:00:00:00:01:02", f"{CAMPUS4}.2", f"{CAMPUS6}:2"),
    "upd": ("02:00:00:00:01:10", f"{CAMPUS4}.10", f"{CAMPUS6}:10"),
    "web": ("02:00:00:00:01:20", f"{CAMPUS4}.20", f"{CAMPUS6}:20"),
    "cnc": ("02:00:00:00:02:66", f"{INTERNET4}.66", f"{INTERNET6}:66"),
    "world": ("02:00:00:00:02:80", f"{INTERNET4}.80", f"{INTERNET6}:80"),
    "vms": ("02:00:00:00:01:30", f"{CAMPUS4}.30", f"{CAMPUS6}:30"),
}
SWEPT = [f"{CAMPUS4}.{number}" for number in range(31, 46)]  # more addresses of vms
MANAGEMENT = {"ctl": "10.99.0.1", "core": "10.99.0.11", "e1": "10.99.0.12", "e2": "10.99.0.13",
              "sensor": "10.99.0.20"}
SENSOR_SPAN = "10.99.0.21"  # where ERSPAN goes: an interface of its own on the sensor
NAMES = {  # what the campus' resolver knows
    "update.campus.test": "upd", "www.campus.test": "web", "dns.campus.test": "svc",
    "www.world.example": "world",
}
CNC_NAME = "cnc.evil.example"
# Listed C&C servers, all on machine cnc: each stands for another policy.
CNC = {CNC_NAME: (f"{INTERNET4}.66", f"{INTERNET6}:66"),
       "pair.evil.example": (f"{INTERNET4}.67", f"{INTERNET6}:67"),
       "hard.evil.example": (f"{INTERNET4}.68", f"{INTERNET6}:68"),
       "watch.evil.example": (f"{INTERNET4}.69", f"{INTERNET6}:69")}

QUIET = {  # sysctls of every machine; set before any interface exists
    "bridge/bridge-nf-call-iptables": 0, "bridge/bridge-nf-call-ip6tables": 0,
    "bridge/bridge-nf-call-arptables": 0,
    "ipv6/conf/default/accept_dad": 0, "ipv6/conf/all/accept_dad": 0,
    "ipv6/conf/default/dad_transmits": 0,
    "ipv4/conf/all/rp_filter": 0, "ipv4/conf/default/rp_filter": 0,
    "ipv4/ping_group_range": "0 2147483647",
}
NO_IPV6 = {"ipv6/conf/default/disable_ipv6": 1, "ipv6/conf/all/disable_ipv6": 1}
CLIENT_IPV6 = {
    "ipv6/conf/default/accept_ra": 1, "ipv6/conf/default/use_tempaddr": 2,
    "ipv6/conf/default/router_solicitation_delay": 0,
    "ipv6/conf/default/router_solicitation_interval": 1,
    "ipv6/conf/default/router_solicitation_max_interval": 2,
}


def ports_of(switch):
    """The bridge ports of a switch."""
    if switch == "core":
        return ("e1", "e2") + SERVERS
    return EDGE_PORTS + (("p6",) if switch == "e1" else ()) + ("uplink",)


class Host:
    """A machine with one leg (eth0) in the campus or outside."""

    def __init__(self, name, namespace):
        self.name = name
        self.ns = namespace
        self.mac, self.ip4, self.ip6 = ADDRESSES.get(name, (None, None, None))

    def __repr__(self):
        return self.name

    def run(self, *command, **kwargs):
        return self.ns.run(*command, **kwargs)

    def addresses(self):
        """Its global addresses as the kernel has them: [(family, address, is temporary)]."""
        done = self.run("ip", "-j", "addr", "show", "dev", "eth0")
        found = []
        for info in json.loads(done.stdout)[0]["addr_info"]:
            if info.get("scope") == "global":
                found.append((info["family"], info["local"], bool(info.get("temporary"))))
        return found


class Client(Host):
    """A client: DHCP with a client id and host name, SLAAC, temporary addresses."""

    def __init__(self, name, namespace, run_dir):
        super().__init__(name, namespace)
        self.number = int(name[1:])
        self.mac = f"02:00:00:00:00:0{self.number}"
        self.resolver = os.path.join(run_dir, f"{name}-resolv.conf")
        self.leases = os.path.join(run_dir, f"{name}-leases")
        self.config = os.path.join(run_dir, f"{name}-dhclient.conf")
        self.plugged = None
        self.dhclient = None
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f'send host-name "{name}";\n'
                       f'send dhcp-client-identifier "campus-{name}";\n'
                       "request subnet-mask, broadcast-address, routers, domain-name-servers;\n"
                       "timeout 10; retry 1; initial-interval 1; backoff-cutoff 2;\n"
                       "initial-delay 0; reboot 1;\n")
        open(self.resolver, "w", encoding="ascii").close()

    def start_dhcp(self):
        """Asks for a lease anew, with the same client id; what was set by hand goes."""
        self.stop_dhcp()
        self.ns.ip("addr flush dev eth0 scope global to 0.0.0.0/0")
        self.dhclient = self.ns.spawn(
            f"{self.name}-dhclient", "dhclient", "-4", "-d", "-cf", self.config, "-lf", self.leases,
            "-pf", self.leases + ".pid", "-sf", os.path.join(HERE, "dhclient-script"),
            "-e", f"resolv={self.resolver}", "eth0")

    def stop_dhcp(self):
        if self.dhclient:
            self.dhclient.kill()
            self.dhclient.popen.wait(30)
            self.dhclient = None

    def is_ready(self):
        """Has an IPv4 address and both kinds of IPv6 address?  Then they are known here."""
        found = self.addresses()
        ip4 = [a for family, a, _ in found if family == "inet"]
        ip6 = [a for family, a, temporary in found if family == "inet6" and not temporary]
        temporary = [a for family, a, temporary in found if family == "inet6" and temporary]
        if not (ip4 and ip6 and temporary and os.path.getsize(self.resolver)):
            return False
        self.ip4, self.ip6 = ip4[0], ip6[0]
        return True

    def is_ready_by_ip4(self):
        """Has it a lease?  (A contained client hears no router advertisement.)"""
        found = [a for family, a, _ in self.addresses() if family == "inet"]
        if found:
            self.ip4 = found[0]
        return bool(found and os.path.getsize(self.resolver))

    @property
    def temporary_ip6(self):
        return [a for family, a, temporary in self.addresses() if family == "inet6" and temporary]

    def random_ip6(self):
        """A temporary address as RFC 8981 makes them, by hand: a random interface id."""
        for address in self.temporary_ip6:
            self.run("ip", "addr", "del", f"{address}/64", "dev", "eth0")
        identifier = secrets.token_hex(8)
        parts = [identifier[i:i + 4] for i in range(0, 16, 4)]
        address = str(ipaddress.ip_address(f"{CAMPUS6.rstrip(':')}:0:{':'.join(parts)}"))
        self.ns.sysctl({"ipv6/conf/eth0/accept_dad": 1, "ipv6/conf/eth0/dad_transmits": 1})
        self.ns.ip(f"addr add {address}/64 dev eth0")  # with its probe for a double (RFC 4862)
        wait_for(lambda: "tentative" not in self.run("ip", "addr", "show", "dev", "eth0").stdout,
                 f"{address} is {self}'s", 30)
        self.ns.sysctl({"ipv6/conf/eth0/accept_dad": 0, "ipv6/conf/eth0/dad_transmits": 0})
        return address

    def new_temporary_ip6(self):
        """Gives up the temporary address and lets the kernel make another from the next RA."""
        old = self.temporary_ip6
        for address in old:
            self.run("ip", "addr", "del", f"{address}/64", "dev", "eth0")
        self.run("rdisc6", "-1", "-q", "eth0", check=False, timeout_s=5)
        new = wait_for(lambda: [a for a in self.temporary_ip6 if a not in old],
                       f"new temporary address of {self.name}", 30)
        return new[0]

    def set_ip4(self, address):
        """Another IPv4 address by hand, as a user would type it in."""
        self.stop_dhcp()
        self.ns.ip("addr flush dev eth0 scope global to 10.77.0.0/24",
                   f"addr add {address}/24 brd + dev eth0",
                   f"route replace default via {CAMPUS4}.1 dev eth0")
        self.ip4 = address

    def set_mac(self, mac):
        """Another MAC without taking the link down: the switch port sees no link change."""
        self.ns.ip(f"link set dev eth0 address {mac}")
        self.mac = mac

    def get(self, url, *options, timeout_s=20, check=False):
        """curl with this client's resolver; returns CompletedProcess."""
        return self.run("curl", "-sS", "--max-time", str(timeout_s), *options, url,
                        resolver=self.resolver, check=check, timeout_s=timeout_s + 5)


class Campus:
    """Use as a context manager, or start() and close()."""

    def __init__(self, build_dir=None):
        self.prefix = f"cl{secrets.token_hex(3)[:5]}"
        self.build = os.path.abspath(build_dir or os.environ.get("CORDON_BUILD",
                                                                 os.path.join(TOP, "build")))
        self.dir = os.path.join(BASE_DIR, self.prefix)
        self.log_dir = os.path.join(self.dir, "log")
        self.machines, self.hosts, self.closers = {}, {}, []
        self._home = None
        self.is_up = False

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close(failed=True)
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.close(failed=kind not in (None, KeyboardInterrupt, SystemExit))

    def __getitem__(self, name):
        return self.hosts[name]

    @property
    def clients(self):
        return [self.hosts[name] for name in CLIENTS]

    # ------------------------------------------------------------------ start

    def start(self):
        if os.geteuid() != 0:
            raise LabError("the lab needs root: it makes network namespaces")
        clean_stale()
        os.makedirs(self.log_dir, mode=0o755)
        with open(os.path.join(self.dir, "owner"), "w", encoding="ascii") as file:
            file.write(f"{os.getpid()} {start_time(os.getpid())}\n")
        self._make_machines()
        self._make_links()
        self._make_panel()
        self._address_servers()
        # From here on this process lives on the management network, beside cordond: its own
        # sockets reach the API at 127.0.0.1.
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        netns.set_namespace(self.machines["ctl"].fd)
        self._start_services()
        for client in self.clients:
            self.plug(client, *self.home(client))
            client.start_dhcp()
        for client in self.clients:
            wait_for(client.is_ready, f"{client.name}: no lease or no IPv6 address\n"
                     + client.dhclient.log(1500), 30, 0.05)
        self.is_up = True

    def outside(self, function, *args):
        """Runs a short function where this process came from; returns its value."""
        with concurrent.futures.ThreadPoolExecutor(
                1, initializer=netns.set_namespace, initargs=(self._home,)) as thread:
            return thread.submit(function, *args).result()

    def _make_machines(self):
        netns.batch(None, [f"netns add {self.prefix}-{name}" for name in MACHINES])
        for name in MACHINES:
            machine = netns.Namespace(self.prefix, name, self.log_dir)
            self.machines[name] = machine
            settings = dict(QUIET)
            if name in CLIENTS:
                settings.update(CLIENT_IPV6)
            elif name not in ADDRESSES:
                settings.update(NO_IPV6)
            else:
                settings["ipv6/conf/default/accept_ra"] = 0
            machine.sysctl(settings)
            if name in CLIENTS:
                self.hosts[name] = Client(name, machine, self.dir)
            else:
                self.hosts[name] = Host(name, machine)

    def _veth(self, a, a_port, b, b_port, mac=None, mtu=1500):
        address = f"address {mac} " if mac else ""
        return (f"link add {b_port} {address}mtu {mtu} netns {self.prefix}-{b} "
                f"type veth peer name {a_port} mtu {mtu} netns {self.prefix}-{a}")

    def _make_links(self):
        bridge = "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
        for name in SWITCHES + ("mg",):
            self.machines[name].ip(bridge, "link set br0 up", "link set lo up")
        self.machines["rt"].ip("link add wan type bridge stp_state 0 forward_delay 0 "
                               "mcast_snooping 0", "link set wan up")
        links = [self._veth("core", "e1", "e1", "uplink"), self._veth("core", "e2", "e2", "uplink"),
                 self._veth("core", "mon", "sensor", "mon")]
        links += [self._veth("core", name, name, "eth0", ADDRESSES[name][0]) for name in SERVERS]
        links += [self._veth("rt", name, name, "eth0", ADDRESSES[name][0]) for name in OUTSIDE]
        links += [self._veth("mg", name, name, "mgmt", mtu=9000) for name in MANAGEMENT]
        links += [self._veth("mg", "span", "sensor", "span", mtu=9000)]
        links += [self._veth("panel", name, name, "eth0", self.hosts[name].mac) for name in CLIENTS]
        links += [self._veth("e1", "p6", VMS, "eth0", ADDRESSES[VMS][0])]
        links += [self._veth("panel", edge + port, edge, port)
                  for edge in ("e1", "e2") for port in EDGE_PORTS]
        netns.batch(None, links)
        members = {switch: ports_of(switch) for switch in SWITCHES}
        members["mg"] = tuple(MANAGEMENT) + ("span",)
        for switch, ports in members.items():
            self.machines[switch].ip(*[f"link set {p} master br0 up" for p in ports])
        self.machines["rt"].ip(*[f"link set {p} master wan up" for p in OUTSIDE])
        self.machines["core"].ip("link set mon up")
        self.machines["sensor"].ip("link set mon up arp off promisc on",
                                   f"addr add {SENSOR_SPAN}/24 dev span",
                                   "link set span up promisc on")
        for name, address in MANAGEMENT.items():
            self.machines[name].ip(f"addr add {address}/24 dev mgmt", "link set mgmt up",
                                   "link set lo up")
        # ERSPAN is for the capture only: the sensor's own stack must not answer it.
        self.machines["sensor"].sysctl({"ipv4/conf/all/arp_ignore": 1,
                                        "ipv4/conf/all/arp_announce": 2})
        self.machines["sensor"].run("nft", "add table netdev lab; add chain netdev lab span { "
                                    "type filter hook ingress device span priority 0; }; "
                                    "add rule netdev lab span ip protocol gre drop")

    def _make_panel(self):
        plugs = list(CLIENTS) + [e + p for e in ("e1", "e2") for p in EDGE_PORTS]
        netns.batch(f"{self.prefix}-panel", [f"qdisc add dev {p} clsact" for p in plugs], "tc")

    def _address_servers(self):
        for name, (_, ip4, ip6) in ADDRESSES.items():
            gateway4, gateway6 = (f"{INTERNET4}.1", f"{INTERNET6}:1") if name in OUTSIDE else (
                f"{CAMPUS4}.1", f"{CAMPUS6}:1")
            lines = ["link set lo up", f"addr add {ip4}/24 brd + dev eth0",
                     f"addr add {ip6}/64 dev eth0 nodad", "link set eth0 up"]
            if name == "rt":
                lines += [f"addr add {INTERNET4}.1/24 dev wan",
                          f"addr add {INTERNET6}:1/64 dev wan nodad"]
            else:
                lines += [f"route add default via {gateway4}", f"route add default via {gateway6}"]
            self.machines[name].ip(*lines)
        self.machines[VMS].ip(*[f"addr add {a}/24 brd + dev eth0" for a in SWEPT])
        self.machines["cnc"].ip(*[f"addr add {a}/24 brd + dev eth0" for a, _ in CNC.values()
                                  if a != ADDRESSES["cnc"][1]],
                                *[f"addr add {a}/64 dev eth0 nodad" for _, a in CNC.values()
                                  if a != ADDRESSES["cnc"][2]])
        self.machines["rt"].sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1,
                                    "ipv4/conf/all/send_redirects": 0})
        for name in CLIENTS:
            self.machines[name].ip("link set lo up")

    def plug(self, client, edge, port):
        """Puts the client's cable into a free port: link-up at both ends."""
        if client.plugged:
            self.unplug(client)
        other = f"{edge}{port}"
        redirect = ("filter add dev {} ingress protocol all prio 1 u32 match u32 0 0 "
                    "action mirred egress redirect dev {}")
        netns.batch(f"{self.prefix}-panel", [redirect.format(client.name, other),
                                             redirect.format(other, client.name)], "tc")
        self.machines["panel"].ip(f"link set {other} up", f"link set {client.name} up")
        self.machines[client.name].ip("link set eth0 up")
        client.plugged = (edge, port)

    def home(self, client):
        """The port where the client is at the start."""
        index = client.number - 1
        return ("e1" if index < 3 else "e2", EDGE_PORTS[index % 3])

    def reset(self):
        """Every client at its first port, with its own MAC and a lease, and nothing remembered of
        what an edge that was taken off told it."""
        for name in SERVERS + OUTSIDE + (VMS,):
            self.machines[name].ip("neigh flush dev eth0")
        for client in self.clients:
            client.ns.ip("neigh flush dev eth0")
            mac = f"02:00:00:00:00:0{client.number}"
            if client.plugged == self.home(client) and client.mac == mac and client.dhclient:
                continue
            if client.plugged:
                self.unplug(client)
            client.ns.ip(f"link set dev eth0 down address {mac}")
            client.mac = mac
            self.plug(client, *self.home(client))
            client.start_dhcp()
        for client in self.clients:
            wait_for(client.is_ready, f"{client.name}: no lease after a reset", 30, 0.05)

    def unplug(self, client):
        """Pulls the cable: link-down at both ends."""
        edge, port = client.plugged
        other = f"{edge}{port}"
        self.machines["panel"].ip(f"link set {client.name} down", f"link set {other} down")
        netns.batch(f"{self.prefix}-panel", [f"filter del dev {client.name} ingress",
                                             f"filter del dev {other} ingress"], "tc")
        client.plugged = None

    def destroy_bridge(self, switch):
        """The bridge of an edge is gone and its ports are down, as when it boots: cordon-edge is to
        make it again (makes_bridge in edge.yaml)."""
        ports = ports_of(switch)
        self.machines[switch].ip(*[f"link set {port} down" for port in ports], "link del br0")

    # --------------------------------------------------------------- services

    def _start_services(self):
        self._start_dnsmasq()
        self._start_radvd()
        for name in ("upd", "world", "cnc"):
            title = {"upd": "Update server", "world": "World", "cnc": "Command"}[name]
            host = {"upd": "update.campus.test", "world": "www.world.example", "cnc": CNC_NAME}
            context = services.tls_context(*self.certificate(host[name]))
            self._web(name, title, 80)
            self._web(name, title, 443, context)
        self._web("web", "Campus web", 80)
        for name in CLIENTS + ("upd", "web", "svc", "world", "cnc"):
            echo = services.Echo(self.machines[name], tcp_ports=(445,))
            self.closers.append(echo.close)

    def _web(self, name, title, port, context=None):
        server = services.http_server(self.machines[name], title, port, context)
        self.hosts[name].servers = getattr(self.hosts[name], "servers", {})
        self.hosts[name].servers[port] = server
        self.closers.append(server.shutdown)
        self.closers.append(server.server_close)

    def certificate(self, name):
        """A self-signed certificate and key; made once."""
        cert, key = (os.path.join(self.dir, f"{name}.{end}") for end in ("pem", "key"))
        if not os.path.exists(cert):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                            f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                            "-keyout", key, "-out", cert],
                           check=True, capture_output=True, timeout=20)
        return cert, key

    def _start_dnsmasq(self):
        config = os.path.join(self.dir, "dnsmasq.conf")
        lines = ["port=53", "no-resolv", "no-hosts", "no-poll", "user=root", "group=root",
                 "interface=eth0", "bind-interfaces", "except-interface=lo", "no-ping",
                 "domain=campus.test", "local=/campus.test/", "dhcp-authoritative",
                 f"dhcp-range={CAMPUS4}.101,{CAMPUS4}.199,255.255.255.0,1h",
                 f"dhcp-option=option:router,{CAMPUS4}.1",
                 f"dhcp-option=option:dns-server,{CAMPUS4}.2",
                 f"dhcp-leasefile={self.dir}/dnsmasq.leases", "log-dhcp", "log-facility=-"]
        for name, host in NAMES.items():
            lines.append(f"host-record={name},{ADDRESSES[host][1]},{ADDRESSES[host][2]}")
        for name, (ip4, ip6) in CNC.items():
            lines.append(f"host-record={name},{ip4},{ip6}")
        with open(config, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        self.machines["svc"].spawn("dnsmasq", "dnsmasq", "--keep-in-foreground", "-C", config)

    def _start_radvd(self):
        config = os.path.join(self.dir, "radvd.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"""interface eth0 {{
    AdvSendAdvert on;
    MinRtrAdvInterval 3;
    MaxRtrAdvInterval 4;
    AdvRASolicitedUnicast on;
    prefix {CAMPUS6}:/64 {{ AdvValidLifetime 86400; AdvPreferredLifetime 14400; }};
}};
""")
        self.machines["rt"].spawn("radvd", "radvd", "-n", "-C", config, "-p",
                                  os.path.join(self.dir, "radvd.pid"), "-m", "stderr")

    # -------------------------------------------------------------------- end

    def close(self, failed=False):
        """Takes everything away; keeps the logs of a failure and says where."""
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN) \
            if _is_main_thread() else None
        try:
            for closer in reversed(self.closers):
                try:
                    closer()
                except Exception as error:  # the rest must still be taken away
                    print(f"lab: closing: {error}", file=sys.stderr)
            self.closers = []
            if self._home is not None:
                netns.set_namespace(self._home)
                os.close(self._home)
                self._home = None
            for machine in self.machines.values():
                machine.close()
            self.machines = {}
            clean(self.prefix, keep_logs=failed)
            if failed and os.path.isdir(self.log_dir):
                print(f"lab: the logs are in {self.log_dir}", file=sys.stderr)
        finally:
            if previous is not None:
                signal.signal(signal.SIGINT, previous)


def _is_main_thread():
    import threading
    return threading.current_thread() is threading.main_thread()


def start_time(pid):
    """Clock ticks since boot at which the process began: tells a pid from its successor."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[19])
    except OSError:
        return None


def unmount_below(folder):
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        points = [line.split()[1].replace("\\040", " ") for line in file]
    for point in sorted((p for p in points if p.startswith(folder + "/")), reverse=True):
        ctypes.CDLL(None).umount2(os.fsencode(point), 2)  # MNT_DETACH


def clean(prefix, keep_logs=False):
    """Removes programs, namespaces, mounts and files of one campus."""
    if not re.fullmatch(PREFIX_PATTERN, prefix):
        raise LabError(f"{prefix}: not the prefix of a campus")
    netns.remove(prefix)
    folder = os.path.join(BASE_DIR, prefix)
    unmount_below(folder)
    if not keep_logs:
        shutil.rmtree(folder, ignore_errors=True)
    elif os.path.isdir(folder):
        try:
            os.unlink(os.path.join(folder, "owner"))
        except FileNotFoundError:
            pass


def socket_path(name):
    """For a socket of a source: of this run alone, and gone with it."""
    path = f"{BASE_DIR}-{name}-{os.getpid()}.sock"
    atexit.register(lambda: os.path.exists(path) and os.unlink(path))
    return path


def clean_stale():
    """Takes away campuses whose owner has died."""
    known = {n.split("-")[0] for n in os.listdir("/var/run/netns")} \
        if os.path.isdir("/var/run/netns") else set()
    folders = set(os.listdir(BASE_DIR)) if os.path.isdir(BASE_DIR) else set()
    for prefix in known | folders:
        if not re.fullmatch(PREFIX_PATTERN, prefix):
            continue
        try:
            with open(os.path.join(BASE_DIR, prefix, "owner"), encoding="ascii") as file:
                pid, started = (int(word) for word in file.read().split())
        except (OSError, ValueError):
            continue  # logs kept after a failure, or somebody else's
        if start_time(pid) != started:
            clean(prefix)


def main():
    parser = argparse.ArgumentParser(description="A campus in network namespaces.")
    parser.add_argument("--clean", metavar="PREFIX", help='remove a killed campus ("all": every one)')
    parser.add_argument("--once", action="store_true", help="start, say so, take away")
    arguments = parser.parse_args()
    if arguments.clean:
        found = {n.split("-")[0] for n in os.listdir("/var/run/netns")} \
            if os.path.isdir("/var/run/netns") else set()
        found |= set(os.listdir(BASE_DIR)) if os.path.isdir(BASE_DIR) else set()
        for prefix in sorted(found) if arguments.clean == "all" else [arguments.clean]:
            if re.fullmatch(PREFIX_PATTERN, prefix):
                clean(prefix)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begin = time.monotonic()
    with Campus() as campus:
        print(f"campus {campus.prefix} is up after {time.monotonic() - begin:.1f} s")
        for client in campus.clients:
            edge, port = client.plugged
            print(f"  {client.name}  {edge}/{port}  {client.mac}  {client.ip4}  {client.ip6}  "
                  f"{' '.join(client.temporary_ip6)}")
        if not arguments.once:
            print(f"enter a machine: ip netns exec {campus.prefix}-c2 sh; end with Ctrl-C")
            signal.pause()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as failure:
        print(f"campus: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
