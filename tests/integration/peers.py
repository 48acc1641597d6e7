"""Small helpers around paho, raw sockets and an HTTP receiver, for tests against a real gateway."""
import contextlib
import http.server
import itertools
import json
import queue
import socket
import ssl
import struct
import threading

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway import DEADLINE_S

V311, V5 = paho.MQTTv311, paho.MQTTv5


def properties(packet, **values):
    made = Properties(packet)
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Client:
    """A paho client whose callbacks end in queues, so that a test can wait for them. It connects again by itself only if told to:
    each attempt that fails turns a PUBREL that is owed back into a PUBLISH."""

    def __init__(self, client_id="", version=V5, folder=None, user=None, password=None, clean=True, will=None,
                 transport="tcp", expiry=None, will_properties=None, reconnect=False):
        options = {"client_id": client_id, "protocol": version, "transport": transport, "reconnect_on_failure": reconnect}
        if version != V5:
            options["clean_session"] = clean
        self.paho = paho.Client(**options)
        self.version = version
        self.clean = clean
        self.expiry = expiry
        self.connacks, self.messages, self.subacks = queue.Queue(), queue.Queue(), queue.Queue()
        self.published, self.disconnects, self.unsubacks = queue.Queue(), queue.Queue(), queue.Queue()
        self.tls = folder is not None
        if folder is not None:
            self.paho.tls_set(ca_certs=str(folder / "ca.crt"), certfile=str(folder / "device.crt"), keyfile=str(folder / "device.key"))
        if user is not None:
            self.paho.username_pw_set(user, password)
        if will is not None:
            topic, payload, qos, retain = will
            self.paho.will_set(topic, payload, qos, retain, properties=will_properties)
        self.paho.on_connect = lambda c, u, flags, code, props=None: self.connacks.put((flags, code, props))
        self.paho.on_message = lambda c, u, message: self.messages.put(message)
        self.paho.on_subscribe = lambda c, u, mid, codes, props=None: self.subacks.put((mid, codes, props))
        self.paho.on_unsubscribe = lambda c, u, mid, props=None, codes=None: self.unsubacks.put((mid, codes))
        self.paho.on_publish = lambda c, u, mid: self.published.put(mid)
        self.paho.on_disconnect = lambda c, u, code, props=None: self.disconnects.put((code, props))

    def connect(self, port, keepalive=60, host="127.0.0.1"):
        options = {}
        if self.version == V5:
            options["clean_start"] = self.clean
            if self.expiry is not None:
                options["properties"] = properties(PacketTypes.CONNECT, SessionExpiryInterval=self.expiry)
        self.paho.connect(host, port, keepalive, **options)
        self.paho.loop_start()
        return self.connacks.get(timeout=DEADLINE_S)

    def subscribe(self, topic, qos=0, **options):
        if self.version == V5 and options:
            self.paho.subscribe(topic, options=SubscribeOptions(qos=qos, **options))
        else:
            self.paho.subscribe(topic, qos)
        _, codes, _ = self.subacks.get(timeout=DEADLINE_S)
        return [getattr(code, "value", code) for code in codes]

    def publish(self, topic, payload=b"", qos=0, retain=False, props=None):
        """Publishes and, above QoS 0, waits for the acknowledgement."""
        if isinstance(payload, (dict, list)):
            payload = json.dumps(payload)
        info = self.paho.publish(topic, payload, qos, retain, properties=props)
        if qos:
            info.wait_for_publish(DEADLINE_S)
            assert info.is_published(), f"no acknowledgement for {topic}"
        return info

    def receive(self, timeout=DEADLINE_S):
        return self.messages.get(timeout=timeout)

    def nothing_before(self, topic):
        """Publishes a mark to itself and asserts that it is the next message: nothing else was on its way."""
        self.subscribe(topic)
        self.publish(topic, b"mark")
        message = self.receive()
        assert message.topic == topic, f"unexpected {message.topic}"

    def close(self):
        with contextlib.suppress(Exception):
            self.paho.disconnect()
        self.paho.loop_stop()

    def drop(self):
        """Ends the connection without DISCONNECT."""
        self.paho.loop_stop()
        sock = self.paho.socket()
        if sock:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def tls_context(folder, certificate=True):
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    if certificate:
        context.load_cert_chain(folder / "device.crt", folder / "device.key")
    return context


def raw(port, folder=None):
    """A connected socket, over TLS if there is a device folder."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    if folder is not None:
        sock = tls_context(folder).wrap_socket(sock, server_hostname="localhost")
    return sock


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">H", len(data)) + data


def packet(first, body):
    length, out = len(body), bytes([first])
    while True:
        byte = length % 128
        length //= 128
        out += bytes([byte | (128 if length else 0)])
        if not length:
            return out + body


def connect_packet(client_id, version=4, keepalive=60, clean=True, user=None, password=None):
    flags = 2 if clean else 0
    tail = b""
    if user is not None:
        flags |= 0x80
        tail += string(user)
    if password is not None:
        flags |= 0x40
        tail += string(password)
    head = string("MQTT") + bytes([version, flags]) + struct.pack(">H", keepalive)
    if version == 5:
        head += b"\x00"
    return packet(0x10, head + string(client_id) + tail)


def read_exactly(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError(data)
        data += more
    return data


def read_packet(sock):
    """(first byte, body) of the next MQTT packet; EOFError when the peer closed."""
    first = read_exactly(sock, 1)[0]
    length, shift = 0, 0
    while True:
        byte = read_exactly(sock, 1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return first, read_exactly(sock, length)


def closed(sock):
    """True once the peer has closed the connection; what it sent before is thrown away."""
    try:
        while sock.recv(4096):
            pass
        return True
    except (ConnectionError, ssl.SSLError):
        return True


class Receiver:
    """An HTTP server that answers as told and keeps what it got.

    tls: a server's SSLContext. mood: status by the number of the request, where no answer was told.
    says: the body of every answer.
    """

    def __init__(self, tls=None):
        self.requests = queue.Queue()
        self.answers = queue.Queue()
        self.mood = None
        self.says = b""
        self.count = itertools.count(1)
        self.scheme = "https" if tls else "http"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    status, headers = outer.answers.get_nowait()
                except queue.Empty:
                    mood, number = outer.mood, next(outer.count)
                    status, headers = mood(number) if mood else 200, {}
                outer.requests.put({"path": self.path, "headers": dict(self.headers), "body": body, "status": status})
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(outer.says)))
                self.end_headers()
                self.wfile.write(outer.says)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    def answer(self, status, **headers):
        """The answer to the next request that has none yet; 200 after that."""
        self.answers.put((status, headers))

    def next(self):
        return self.requests.get(timeout=DEADLINE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
